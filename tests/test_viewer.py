"""The view of predictions: what its menus and boxes do, without and with a browser; notebook 09 around it."""

import base64
import shutil
import warnings
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import browser
import matplotlib.pyplot as plt
import msgspec
import pandas as pd
import papermill
import pytest
from nbconvert import HTMLExporter
from PIL import Image
from playwright.sync_api import Locator, expect

from lib import figures, prediction
from lib.prediction.viewer import PredictionViewer
from lib.profiles import ROOT, Profile, load_profile
from lib.vcoco import VERBS, load_profile_people

NOTEBOOK = ROOT / "notebooks/09_predict_your_images.ipynb"


@pytest.fixture(scope="module")
def shown(modelled, tmp_path_factory):
    """A viewer of three images, two models; the truth of the first people is known."""
    people = load_profile_people(modelled)
    test = people[people["split"] == "test"].head(6)
    images = [modelled.image_path("test", name) for name in test["file_name"].unique()]
    models = {name: prediction.load_profile_model(modelled, name) for name in ("clip", "thesis")}
    out = tmp_path_factory.mktemp("viewer")
    results = {
        name: prediction.predict_images(
            images, modelled, model, out / name, boxes=prediction.label_boxes(test)
        )
        for name, model in models.items()
    }
    truth = prediction.find_truth(results["clip"], people, VERBS).iloc[:1]
    return results, models, truth


@pytest.fixture
def viewer(shown) -> PredictionViewer:
    return PredictionViewer(*shown, "en")


class Words(HTMLParser):
    """Collects the words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.words += [data.strip()] if data.strip() else []


def test_bars_are_the_chosen_persons_probabilities_in_order(viewer, shown):
    results, models, truth = shown
    for result in results["clip"]:
        viewer.image.value = result.image
        for person in result.people:
            viewer.person.value = person.person
            words = Words(viewer.bars.value).words
            expected = sorted(person.probabilities.values(), reverse=True)
            percents = [word for word in words if word.endswith(" %")]
            assert percents == [f"{100 * probability:.0f} %" for probability in expected]
            assert words[0] == person.person
            true = truth[truth.index == (result.image, person.person)]
            assert words.count("●") == true.to_numpy().sum()
            assert viewer.bars.value.count("<b>") == 1 + len(person.verbs)
    for threshold in models["clip"].card.thresholds.values():
        assert f"left:{100 * threshold:.1f}%" in viewer.bars.value


def test_boxes_lie_where_the_people_are_and_choose_them(viewer, shown):
    result = next(result for result in shown[0]["clip"] if len(result.people) > 1)
    viewer.image.value = result.image
    picture, *boxes = viewer.picture.children
    with Image.open(result.image) as image:
        scale = 460 / max(image.size)
        assert picture.layout.width == f"{round(image.width * scale)}px"
    people = {person.person: person for person in result.people}
    assert {box.person for box in boxes} == people.keys()
    sizes = [people[box.person].w * people[box.person].h for box in boxes]
    assert sizes == sorted(sizes, reverse=True), "a small box lies on top of a large one"
    for box in boxes:
        person = people[box.person]
        assert box.layout.margin == f"{person.y * scale:.0f}px 0 0 {person.x * scale:.0f}px"
        assert box.layout.width == f"{person.w * scale:.0f}px"
        box.click()
        assert viewer.person.value == box.person
        assert Words(viewer.bars.value).words[0] == box.person


def test_switching_the_model_keeps_the_image_and_the_person(viewer, shown):
    result = next(result for result in shown[0]["clip"] if len(result.people) > 1)
    viewer.image.value, viewer.person.value = result.image, result.people[1].person
    before = viewer.bars.value
    viewer.model.value = "thesis"
    assert (viewer.image.value, viewer.person.value) == (result.image, result.people[1].person)
    assert viewer.bars.value != before


def test_what_cannot_be_shown_is_said_instead(shown, tmp_path):
    Image.new("RGB", (50, 40)).save(tmp_path / "<b>.png")
    empty = prediction.ImageResult(image=str(tmp_path / "<b>.png"), width=50, height=40)
    nobody = shown[0]["clip"][0].people[0]
    unseen = prediction.Person(
        **{side: getattr(nobody, side) for side in "xywh"},
        **{"person": "<1>", "score": None, "keypoints": None, "probabilities": None, "verbs": []},
        failure="no <pose>",
    )
    blind = prediction.ImageResult(image=empty.image + "2", width=50, height=40, people=[unseen])
    shutil.copy(empty.image, blind.image)
    broken = prediction.ImageResult(image="gone.png", failure="gone.png: it is <gone>")
    model = {"one": shown[1]["clip"]}
    viewer = PredictionViewer({"one": [empty, blind, broken]}, model, shown[2], "ja")
    assert viewer.bars.value == "人は見つかりません"
    viewer.image.value = blind.image
    assert viewer.bars.value == "&lt;1&gt;: no &lt;pose&gt;"
    viewer.image.value = broken.image
    assert viewer.person.value is None
    assert viewer.bars.value == "gone.png: it is &lt;gone&gt;"
    assert "image/png" in viewer._repr_mimebundle_()


def test_without_a_kernel_a_picture_stands_in_its_place(viewer):
    bundle = viewer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    with Image.open(BytesIO(base64.b64decode(bundle["image/png"]))) as picture:
        assert picture.format == "PNG"
        assert max(picture.size) >= 720


# --- Figures


@pytest.mark.parametrize("language", ["en", "ja"])
def test_figures_fit_the_page_with_every_glyph(shown, language):
    figures.use_style(language)
    results, _, truth = shown
    people = prediction.tabulate_people(results["clip"], VERBS)
    crowd = msgspec.structs.replace(results["clip"][0], people=results["clip"][0].people * 6)
    drawn = [
        lambda: figures.draw_predictions(results["clip"], truth, VERBS, language),
        lambda: figures.draw_predictions([crowd] * 6, truth.iloc[:0], VERBS, language),
        lambda: figures.draw_probabilities(people, truth, VERBS, language),
        lambda: figures.draw_probabilities(people.iloc[:0], truth, VERBS, language),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a missing glyph and of a layout that cannot fit
        for draw in drawn:
            figure = draw()
            figure.canvas.draw()
            tight = figure.get_tightbbox()
            assert figure.get_figwidth() == figures.TWO_COLUMNS
            assert figure.get_figheight() <= 6
            assert min(tight.x0, tight.y0) >= -0.02
            assert tight.x1 <= figure.get_figwidth() + 0.02
            assert tight.y1 <= figure.get_figheight() + 0.02
            plt.close(figure)


def test_verbs_are_marked_as_right_wrong_or_missed(shown):
    results, _, truth = shown
    figures.use_style("en")
    figure = figures.draw_predictions(results["clip"][:1], truth, VERBS, "en")
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    person = next(one for one in results["clip"][0].people if one.person == truth.index[0][1])
    true = set(truth.columns[truth.iloc[0]])
    for verb in true | set(person.verbs):
        name = verb.replace("_", " ")
        marked = (
            f"{name}✓"
            if verb in true & set(person.verbs)
            else f"{name}✗"
            if verb in person.verbs
            else f"({name})"
        )
        assert marked in words
    plt.close(figure)


# --- Notebook 09


@pytest.fixture(scope="module")
def prepared(modelled, tmp_path_factory) -> Path:
    """A folder with the people and models where notebook 09 looks for them."""
    folder = tmp_path_factory.mktemp("notebook 09 結果")
    data = load_profile(modelled.inputs, folder).data
    shutil.copytree(modelled.model, data / "model")
    shutil.copy(modelled.people, data)
    return folder


def parameters(modelled: Profile, prepared: Path, **own: object) -> dict[str, object]:
    return {"PROFILE": str(modelled.inputs), "OUTPUT_DIR": str(prepared), **own}


def test_09_runs_headless_on_ones_own_images_and_the_report_shows_a_picture(modelled, prepared, tmp_path):
    """Two of the profile's images, an empty and a broken one, in given boxes."""
    own = tmp_path / "私の写真"
    own.mkdir()
    people = load_profile_people(modelled)
    labelled = people[people["split"] == "test"].head(4)
    for name in labelled["file_name"].unique():
        shutil.copy(modelled.image_path("test", name), own / name)
    Image.new("RGB", (60, 50)).save(own / "誰も.png")
    (own / "壊れた.jpg").write_bytes(b"no image")
    prediction.label_boxes(labelled).to_csv(tmp_path / "boxes.csv", index=False)
    given = {"IMAGES": str(own), "BOXES": str(tmp_path / "boxes.csv"), "MODEL": "clip", "LANGUAGE": "ja"}
    given |= parameters(modelled, prepared)
    notebook = papermill.execute_notebook(NOTEBOOK, tmp_path / "09.ipynb", given, progress_bar=False)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert "壊れた.jpg: the image cannot be decoded" in str(outputs)
    assert "1 images could not be used" in str(outputs)
    assert "model thesis" in str(notebook.metadata["widgets"]), "the models side by side"
    check_written(modelled, prepared, set(labelled.index))
    viewer = next(output for output in outputs if "PredictionViewer" in str(output.get("data")))
    del notebook.metadata["widgets"]  # as a report without a kernel has it
    page = HTMLExporter(template_name="lab").from_notebook_node(notebook)[0]
    assert viewer.data["image/png"].replace("\n", "") in page.replace("\n", "")
    assert "PredictionViewer(children" not in page


def check_written(modelled: Profile, prepared: Path, expected: set[int]) -> None:
    """Look at the figures and at the table of those whose verbs are known."""
    written = load_profile(modelled.inputs, prepared).figures
    for name in ("people", "probabilities"):
        assert (written / f"09_{name}.pdf").read_bytes().startswith(b"%PDF")
    table = pd.read_csv(written / "09_predictions.csv", index_col=["image", "person"])
    people = load_profile_people(modelled)
    for (image, ann_id), row in table.iterrows():
        assert people.loc[ann_id, "file_name"] == image
        assert row["truth"] == ", ".join(verb for verb in VERBS if people.loc[ann_id, verb])
    assert set(table.index.get_level_values("person")) == expected


# --- In a browser


def test_in_jupyterlab_image_person_and_model_are_chosen_and_the_bars_change(modelled, prepared, tmp_path):
    """Notebook 09 as a user runs it, on its own choice of test images; nothing is fetched from anywhere."""
    people = load_profile_people(modelled)
    test = people[people["split"] == "test"]
    test = test[test["file_name"].isin(test["file_name"].drop_duplicates().sample(12, random_state=9))]
    several = test["file_name"].value_counts(sort=False).idxmax()
    names = [str(ann_id) for ann_id in test.index[test["file_name"] == several]]
    papermill.execute_notebook(
        NOTEBOOK, tmp_path / "09.ipynb", parameters(modelled, prepared), prepare_only=True
    )
    with browser.open_page(1400, 1000) as page, browser.serve_lab(tmp_path, tmp_path / "home") as lab:
        noticed = browser.watch(page, lab.origin)
        browser.open_notebook(page, lab, "09.ipynb")
        browser.run_all_cells(page)
        assert not browser.error_outputs(page)
        view = browser.drive_viewer(page, several, names)
        choose_other_model(view, names[0])
    assert not noticed.requests
    check_written(modelled, prepared, set(test.index))


def choose_other_model(view: Locator, person: str) -> None:
    """The same person has other bars by another model."""
    bars = view.locator(".widget-html")
    before = bars.text_content()
    view.locator("select").first.select_option("model clip")
    expect(bars).not_to_have_text(before)
    expect(bars).to_contain_text(f"{person} · pose score")
