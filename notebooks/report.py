"""Make one HTML site of the executed notebooks: an index and a page each, for reading without a network.

    python notebooks/report.py                        figures/sample/report/index.html
    python notebooks/report.py -p PROFILE vcoco       of the run on real V-COCO

Takes the parameters of run.py, so that one list serves both; only PROFILE and OUTPUT_DIR matter here.
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import jinja2
import nbformat
import papermill
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from run import NOTEBOOKS, check_known, choose, literal, load_asked_profile, own
from traitlets.config import Config

from lib.profiles import ROOT, DataError, Profile

TEMPLATES = NOTEBOOKS / "report"
NAMES = "[0-9][0-9]_*.ipynb"
KINDS = {"figure": ("pdf",), "table": ("tex", "csv", "md")}  # for print and reuse
SAVED = re.compile(r'\bsave_(figure|table)\(.*?"(\d\d_\w+)"', re.DOTALL)
HEADING = re.compile(r"^#+ +(.+)", re.MULTILINE)
SHOWN = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain"]
WIDGET = "application/vnd.jupyter.widget-view+json"
PROGRESS = re.compile(r"\d%\|")
ACTIVE = "script, iframe, object, embed, link, meta, base, form"  # what could call out, or does nothing here
REMOTE = re.compile(r"^(\w+:)?//")
EXPORT = Config(
    {
        "CoalesceStreamsPreprocessor": {"enabled": True},
        "ExtractOutputPreprocessor": {"enabled": True},
        "NbConvertBase": {"display_data_priority": SHOWN},
    }
)


class Page(NamedTuple):
    """What the site shows of one notebook; texts are HTML."""

    name: str
    title: str
    question: str
    executed: bool = False
    finding: str = ""
    error: str = ""  # of a notebook that stopped: plain text
    image: str = ""  # the lead figure: path in the site, and what stands in for it
    alt: str = ""
    facts: Mapping[str, str] = MappingProxyType({})
    sections: Mapping[str, str] = MappingProxyType({})  # headings by id
    body: str = ""


def main() -> int:
    """Run the command and return its exit status: 2 where there is nothing to report."""
    arguments = parse_arguments()
    parameters = {name: literal(value) for name, value in arguments.parameter}
    try:
        check_known(parameters, {notebook: own(notebook, parameters) for notebook in choose([])})
        profile = load_asked_profile(parameters)
        index = write_report(profile)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Report: {index}")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    return parser.parse_args()


def write_report(profile: Profile) -> Path:
    """Write `figures/<profile>/report`, whole or not at all; return its index.

    Raises DataError where no notebook has been executed, or one cannot be read.
    """
    executed = profile.figures / "notebooks"
    names = sorted({path.name for folder in (NOTEBOOKS, executed) for path in folder.glob(NAMES)})
    if not any((executed / name).is_file() for name in names):
        raise DataError(
            f"{executed}: no executed notebook; run `make figures PROFILE={spell_profile(profile)}` first."
        )
    site = profile.figures / "report"
    with tempfile.TemporaryDirectory(dir=profile.figures, prefix=".report-") as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        for folder in ("images", "files"):
            (new / folder).mkdir(parents=True)
        write_site(new, [make_page(name, profile, new) for name in names], profile)
        if site.exists():
            site.rename(old)
        new.rename(site)
    return site / "index.html"


def write_site(site: Path, pages: list[Page], profile: Profile) -> None:
    """Write the index, the pages and their style."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    about = {"profile": spell_profile(profile), "drawn": profile.name == "sample", "pages": pages}
    shutil.copy(TEMPLATES / "style.css", site)
    index = templates.get_template("index.html.j2").render(about)
    (site / "index.html").write_text(index, encoding="utf-8")
    there = [page for page in pages if page.executed]
    for before, page, after in zip([None, *there[:-1]], there, [*there[1:], None], strict=True):
        html = templates.get_template("page.html.j2").render(about, page=page, before=before, after=after)
        (site / f"{page.name}.html").write_text(html, encoding="utf-8")


def spell_profile(profile: Profile) -> str:
    """Return what the user calls it: a folder under data/ by its name, another one by its path."""
    return profile.name if profile.inputs.parent == ROOT / "data" else str(profile.inputs)


def make_page(name: str, profile: Profile, site: Path) -> Page:
    """Render one notebook; write its images, and copies of the files that its cells saved, into the site."""
    path = profile.figures / "notebooks" / name
    executed = path.is_file()
    notebook = read_notebook(path if executed else NOTEBOOKS / name)
    if executed:
        annotate(notebook, profile, site)
    else:
        notebook.cells = notebook.cells[:1]  # the title and the question
    html = render(notebook, path.stem, site)
    question = html.h1.find_next("p") if html.h1 else None
    title = html.h1.extract().decode_contents() if html.h1 else path.stem  # page.html.j2 shows it
    page = Page(path.stem, title, str(question or ""))
    if not executed:
        return page
    image = html.select_one(".figure img")
    return page._replace(
        executed=True,
        finding=find_finding(html),
        error=find_error(notebook),
        image=str(image.get("src", "")) if image else "",
        alt=str(image.get("alt", "")) if image else "",
        facts=find_facts(notebook, path),
        sections=number_sections(html),
        body=str(html),
    )


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook; raise DataError where the file is none."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (ValueError, TypeError, AttributeError, KeyError, nbformat.ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: not a notebook ({reason}); delete it and run `make figures`.") from None
    return notebook


def annotate(notebook: NotebookNode, profile: Profile, site: Path) -> None:
    """Note at each code cell its section and the files it saved, copied into the site; leave out widgets."""
    section = ""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            section = [section, *HEADING.findall(cell.source)][-1]
            continue
        saved = SAVED.findall(cell.source)
        names = [f"{name}.{kind}" for what, name in saved for kind in KINDS[what]]
        cell.metadata["files"] = [name for name in names if (profile.figures / name).is_file()]
        cell.metadata["alt"] = ", ".join(filter(None, [section, *(name for _, name in saved)]))
        cell.outputs = list(filter(None, map(without_widget, cell.outputs)))
        for name in cell.metadata["files"]:
            shutil.copy2(profile.figures / name, site / "files" / name)


def without_widget(output: NotebookNode) -> NotebookNode | None:
    """Return the output, a sentence in place of an interactive view, nothing in place of a progress bar."""
    if WIDGET not in output.get("data", {}):
        return output
    if PROGRESS.search(output.data.get("text/plain", "")):
        return None
    sentence = "*Here the notebook has an interactive view: `make lab` shows it.*"
    return nbformat.v4.new_output("display_data", {"text/markdown": sentence})


def render(notebook: NotebookNode, name: str, site: Path) -> BeautifulSoup:
    """Convert the cells to HTML that loads nothing but images of the site, and write these."""
    body, resources = make_exporter().from_notebook_node(
        notebook, {"unique_key": name, "output_files_dir": "images"}
    )
    for file, content in (resources["outputs"] or {}).items():
        (site / file).write_bytes(content)
    html = BeautifulSoup(body, "html.parser")
    for tag in html.select(ACTIVE):
        tag.decompose()
    for image in html.find_all("img", src=REMOTE):
        source = str(image["src"])
        image.replace_with(html.new_tag("a", href=source, string=source))
    return html


@cache
def make_exporter() -> HTMLExporter:
    """Return nbconvert's exporter with our template of cells, whose compilation takes longest."""
    return HTMLExporter(
        extra_template_basedirs=[str(NOTEBOOKS)],
        template_name=TEMPLATES.name,
        template_file="cells.html.j2",
        exclude_anchor_links=True,
        config=EXPORT,
    )


def find_finding(html: BeautifulSoup) -> str:
    """Return what stands below the heading Findings: its Markdown, and Markdown that its cells display."""
    heading = next((tag for tag in html.select("section h2") if tag.get_text().startswith("Finding")), None)
    section = heading and heading.find_parent("section")
    if heading is None or section is None:
        return ""
    cells = section.find_next_siblings("section")
    shown = [text for cell in cells for text in cell.select(".markdown")]
    return "".join(map(str, [*heading.find_next_siblings(), *shown]))


def find_error(notebook: NotebookNode) -> str:
    """Return the exception that stopped the notebook, if one did."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return next((f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"), "")


def find_facts(notebook: NotebookNode, path: Path) -> dict[str, str]:
    """Return when, how long, from which commit and with which parameters a notebook was run."""
    run = notebook.metadata.get("papermill", {})
    parameters = {name: literal(known["default"]) for name, known in papermill.inspect_notebook(path).items()}
    parameters |= run.get("parameters", {})
    facts = {
        "run": spell_time(run["start_time"]) if run.get("start_time") else "",
        "took": spell_seconds(run["duration"]) if run.get("duration") else "",
        "commit": notebook.metadata.get("commit", ""),
        "parameters": ", ".join(f"{name} {value}" for name, value in parameters.items() if value != ""),
    }
    return {name: fact for name, fact in facts.items() if fact}


def spell_time(iso: str) -> str:
    """Write a time as a person would, in UTC."""
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%-d %B %Y, %H:%M UTC}"


def spell_seconds(seconds: float) -> str:
    """Write a duration in seconds, from two minutes on in minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def number_sections(html: BeautifulSoup) -> dict[str, str]:
    """Give every section an id to link to; return their headings by id."""
    headings = html.select("h2")
    for number, heading in enumerate(headings, start=1):
        heading["id"] = f"section-{number}"
    return {str(heading["id"]): heading.get_text() for heading in headings}


if __name__ == "__main__":
    sys.exit(main())
