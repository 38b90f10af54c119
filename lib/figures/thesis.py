"""The figures and tables of a folder as one LaTeX document, in the thesis's numbering where it has them."""

from collections.abc import Mapping
from pathlib import Path

from lib.figures.captions import FIGURES, TABLES
from lib.figures.latex import escape
from lib.files import write_whole
from lib.profiles import ROOT

# Kind, the thesis's number, name. Table 2.1 is the thesis's OpenPose study, here on our keypoints.
NUMBERED = (
    ("figure", "1.1", "07_same_posture"),
    ("table", "2.1", "10_learners"),
    ("figure", "6.1", "07_model"),
    ("table", "6.1", "01_labels_per_verb"),
    ("figure", "6.2", "03_accuracy_by_epoch"),
    ("figure", "6.3", "04_accuracy_by_epoch"),
    ("figure", "6.4", "05_accuracy_by_epoch"),
    ("figure", "6.5", "06_accuracy_by_epoch"),
    ("table", "7.1", "07_table_7_1"),
)

WORDS = {
    "en": {
        "class": "article",
        "title": "Does pose add something to CLIP? Figures and tables",
        "profile": "Profile",
        "numbered": "Numbered as in the thesis",
        "others": "Further figures and tables",
        "source": "#1~#2 is made by notebook #3.",
        "sample": "Everything here is made of the bundled sample: drawn images and small networks. No number "
        "in it is a result on V-COCO.",
        "drawn": " (Drawn sample.)",
    },
    "ja": {
        "class": "ltjsarticle",
        "title": "姿勢はCLIPに何かを加えるか：図表",
        "profile": "プロファイル",
        "numbered": "論文の番号による図表",
        "others": "その他の図表",
        "source": "#1#2はノートブック#3による。",
        "sample": "ここにある図表はすべて、同梱のサンプル（描画した画像と小さなネットワーク）から作られた。"
        "V-COCOでの結果を表す数値は一つもない。",
        "drawn": "（描画サンプル）",
    },
}

# \shown heads a notebook's part before the first of its figures or tables that exists.
MACROS = r"""\usepackage[text={7.1in,10in},centering]{geometry}
\usepackage{booktabs,float,graphicx}
\floatplacement{figure}{H}
\floatplacement{table}{H}
\raggedbottom
\setlength{\emergencystretch}{3em}
\newcommand{\notebook}[1]{\gdef\heading{\subsection*{\texttt{#1}}}}
\newcommand{\shown}{\heading\gdef\heading{}}
\newcommand{\figurefile}[2]{\IfFileExists{#1.pdf}{\shown\begin{figure}\centering
  \includegraphics{#1.pdf}\caption{#2}\label{fig:#1}\end{figure}}{}}
\newcommand{\tablefile}[1]{\IfFileExists{#1.tex}{\shown\input{#1.tex}}{}}
\newcommand{\numberedfigure}[4]{\IfFileExists{#2.pdf}{\source{\figurename}{\ref{fig:#2}}{\texttt{#3}}\par\nobreak
  {\renewcommand{\thefigure}{#1}\figurefile{#2}{#4}}}{}}
\newcommand{\numberedtable}[3]{\IfFileExists{#2.tex}{\source{\tablename}{\ref{tab:#2}}{\texttt{#3}}\par\nobreak
  {\renewcommand{\thetable}{#1}\tablefile{#2}}}{}}
"""


def save_thesis(folder: Path, language: str) -> Path:
    """Write `thesis.tex`, which shows the figures and tables of its folder with captions in the language.

    The folder's name is the profile's. Shown is what exists when `lualatex thesis.tex` runs, so that later
    notebooks add to it. Run it twice for the references; it needs TeX Live's luatex, latex-recommended and,
    in Japanese, lang-japanese.
    """
    words = WORDS[language]
    lines = [
        rf"\documentclass[a4paper]{{{words['class']}}}",
        MACROS + rf"\newcommand{{\source}}[3]{{{words['source']}}}",
        *_mark_sample(folder.name, words),
        rf"\title{{{words['title']}}}",
        rf"\author{{{words['profile']} \texttt{{{escape(folder.name)}}}}}",
        r"\date{}",
        r"\begin{document}",
        r"\maketitle",
        escape(words["sample"]) if folder.name == "sample" else "",
        rf"\section*{{{words['numbered']}}}",
        r"\gdef\heading{}",
        *_numbered(language),
        r"\setcounter{figure}{0}\renewcommand{\thefigure}{A.\arabic{figure}}",
        r"\setcounter{table}{0}\renewcommand{\thetable}{A.\arabic{table}}",
        rf"\section*{{{words['others']}}}",
        *_others(folder, language),
        r"\end{document}",
    ]
    with write_whole(folder / "thesis.tex") as path:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "thesis.tex"


def _mark_sample(profile: str, words: dict[str, str]) -> list[str]:
    """Let every caption say that it is the sample's, so that none of it is taken for a result."""
    if profile != "sample":
        return []
    return [
        r"\let\plaincaption\caption",
        rf"\renewcommand{{\caption}}[1]{{\plaincaption{{#1{words['drawn']}}}}}",
    ]


def _numbered(language: str) -> list[str]:
    lines = []
    for kind, number, name in NUMBERED:
        caption = f"{{{_caption(name, language)}}}" if kind == "figure" else ""
        lines.append(rf"\numbered{kind}{{{number}}}{{{name}}}{{{_notebook(name)}}}{caption}")
    return lines


def _others(folder: Path, language: str) -> list[str]:
    """List what has no number of the thesis, by notebook: first its figures, then its tables."""
    numbered = {(kind, name) for kind, _, name in NUMBERED}
    figures = [name for name in _names(folder, "pdf", FIGURES) if ("figure", name) not in numbered]
    tables = [name for name in _names(folder, "tex", TABLES) if ("table", name) not in numbered]
    lines = []
    for number in sorted({name[:2] for name in (*figures, *tables)}):
        lines.append(rf"\notebook{{{_notebook(number)}}}")
        mine = [name for name in figures if name.startswith(number)]
        lines += [rf"\figurefile{{{name}}}{{{_caption(name, language)}}}" for name in mine]
        lines += [rf"\tablefile{{{name}}}" for name in tables if name.startswith(number)]
    return lines


def _names(folder: Path, suffix: str, known: Mapping[str, object]) -> list[str]:
    """List the names that have captions, then those of other files that stand in the folder already."""
    there = {path.stem for path in folder.glob(f"[0-9][0-9]_*.{suffix}")}
    return [*known, *sorted(there - known.keys())]


def _caption(name: str, language: str) -> str:
    return escape(FIGURES.get(name, (name, name))[("en", "ja").index(language)])


def _notebook(name: str) -> str:
    """Return the name of the notebook that makes a file, from the number that both begin with."""
    number = name[:2]
    paths = sorted((ROOT / "notebooks").glob(f"{number}_*.ipynb"))
    return escape(paths[0].stem if paths else number)
