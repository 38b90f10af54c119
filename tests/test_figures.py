"""Figures and tables: known contents, every glyph there, nothing clipped, metadata that say what it is."""

import json
import subprocess
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lib import figures
from lib.coco import KEYPOINTS
from lib.profiles import ROOT, DataError, load_profile
from lib.vcoco import VERBS, find_border_contact, load_profile_people

VERB_LIST = list(VERBS)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return load_profile_people(load_profile("sample"))


@pytest.fixture(params=["en", "ja"])
def language(request):
    figures.use_style(request.param)
    yield request.param
    plt.close("all")


def draw(name: str, people: pd.DataFrame, language: str) -> plt.Figure:
    counts = people.groupby("split", sort=False)[VERB_LIST].sum().T
    return {
        "people": lambda: figures.draw_people(people.head(9), load_profile("sample"), VERB_LIST, language),
        "labels": lambda: figures.draw_labels_per_verb(counts, language),
        "number": lambda: figures.draw_verbs_per_person(people, VERB_LIST, language),
        "together": lambda: figures.draw_cooccurrence(people, VERB_LIST, language),
        "boxes": lambda: figures.draw_boxes(people, find_border_contact(people), language),
        "poses": lambda: figures.draw_poses(
            people.head(8), invented_poses(people), load_profile("sample"), VERB_LIST, language
        ),
        "scores": lambda: figures.draw_scores(invented_poses(people)["score"], people["split"], language),
        "oks": lambda: figures.draw_oks_by_score(
            invented_poses(people)["score"].dropna(), invented_poses(people)["score"].dropna() ** 2, language
        ),
        "body parts": lambda: figures.draw_body_parts(
            pd.DataFrame(0.5, index=VERB_LIST, columns=["head", "shoulders", "wrists", "ankles"]), language
        ),
        "curves": lambda: draw_invented_curves(language),
        "intervals": lambda: figures.draw_intervals(invented_intervals(), language),
        "same posture": lambda: figures.draw_same_posture(
            people,
            invented_poses(people),
            pd.DataFrame({"pair": [1, 1, 2, 2, 3, 3]}, people.index[1:7]),
            load_profile("sample"),
            VERB_LIST,
            language,
        ),
        "model": lambda: draw_invented_model(people, language),
        "neighbours": lambda: figures.draw_neighbours(
            people,
            pd.DataFrame(people.index[:24].to_numpy().reshape(4, 6), index=people.index[-4:]),
            load_profile("sample"),
            VERB_LIST,
            language,
        ),
    }[name]()


def draw_invented_model(people: pd.DataFrame, language: str) -> plt.Figure:
    """Draw a model of other sizes than the thesis's."""
    return figures.draw_model(
        people.iloc[1],
        invented_poses(people).iloc[1],
        load_profile("sample"),
        language,
        networks=("CLIP ViT-L/14", "HigherHRNet W32"),
        clip=768,
        hidden=512,
        verbs=3,
    )


def draw_invented_curves(language: str) -> plt.Figure:
    """Draw two arms over five epochs, with the thesis's accuracy for one of them."""
    rows = [
        (protocol, arm, seed, epoch, 0.1 * epoch + 0.02 * seed)
        for protocol, seeds in (("thesis", 1), ("clean", 3))
        for arm in ("CLIP only", "CLIP + pose")
        for seed in range(seeds)
        for epoch in range(1, 6)
    ]
    history = pd.DataFrame(rows, columns=["protocol", "arm", "seed", "epoch", "test_exact"])
    history = history.set_index(["protocol", "arm", "seed"])
    chosen = pd.Series(4, pd.MultiIndex.from_product([["CLIP only", "CLIP + pose"], range(3)]))
    rules = pd.DataFrame({"exact": [7.0, 13.0]}, index=["verb frequency", "most frequent set"])
    return figures.draw_curves(history, chosen, rules, {"CLIP only": 50.4}, language)


def invented_intervals() -> pd.DataFrame:
    index = pd.MultiIndex.from_product([["all", "score >= 0.5"], ["CLIP only", "CLIP + pose"]])
    return pd.DataFrame({"exact": [40.0, 30, 50, 20], "low": 15.0, "high": 60.0}, index)


def test_curves_mark_the_best_epoch_and_the_chosen_ones(language):
    left, right = draw_invented_curves(language).axes
    points = [line.get_xydata().tolist() for line in left.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points, [[[5, 50]], [[5, 50]]])
    points = [line.get_xydata()[0].tolist() for line in right.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points, [[4, 40], [4, 42], [4, 44]] * 2)


def invented_poses(people: pd.DataFrame) -> pd.DataFrame:
    """Give people poses as `load_features` does: numbers within the crop; every eighth person has none."""
    rng = np.random.default_rng(5)
    poses = pd.DataFrame({"score": rng.uniform(0.1, 0.9, len(people))}, index=people.index)
    for joint in KEYPOINTS:
        poses[f"crop_{joint}_x"] = rng.uniform(20, 20 + people["w"])
        poses[f"crop_{joint}_y"] = rng.uniform(20, 20 + people["h"])
        poses[f"crop_{joint}_score"] = rng.choice([0, 0.3, 0.9], len(people))
    poses[::8] = np.nan
    return poses


NAMES = ["people", "labels", "number", "together", "boxes", "same posture", "model"]
NAMES += ["curves", "intervals", "poses", "scores", "oks", "body parts", "neighbours"]


@pytest.mark.parametrize("name", NAMES)
def test_figures_fit_the_page_with_every_glyph(name, people, language):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a missing glyph and of a layout that cannot fit
        figure = draw(name, people, language)
        figure.canvas.draw()
    assert figure.get_figwidth() in (figures.ONE_COLUMN, figures.TWO_COLUMNS)
    assert figure.get_figheight() <= 6
    tight, page = figure.get_tightbbox(), figure.bbox_inches
    assert tight.x0 >= page.x0 - 0.02
    assert tight.y0 >= page.y0 - 0.02
    assert tight.x1 <= page.x1 + 0.02
    assert tight.y1 <= page.y1 + 0.02


def test_labels_are_drawn_at_their_counts(people, language):
    counts = people.groupby("split", sort=False)[VERB_LIST].sum().T
    axis = figures.draw_labels_per_verb(counts, language).axes[0]
    names = [label.get_text() for label in axis.get_yticklabels()]
    drawn = dict(zip(names, axis.lines[0].get_xdata(), strict=True))
    assert drawn == {figures.text(verb, language): counts.loc[verb, "train"] for verb in VERBS}


def test_cooccurrence_shows_the_share_of_the_rows_people():
    """Three people hold, one of them reads; nobody reads without holding."""
    people = pd.DataFrame({"hold": [True, True, True], "read": [True, False, False]})
    mesh = figures.draw_cooccurrence(people, ["hold", "read"], "en").axes[0].collections[0]
    values = mesh.get_array().reshape(2, 2)
    assert values[0, 1] == pytest.approx(1 / 3)
    assert values[1, 0] == 1


def test_skeletons_leave_out_what_was_not_found(language):
    """Of a person with only the left arm found, two limbs and three joints are drawn, in one colour."""
    people = load_profile_people(load_profile("sample")).head(1)
    poses = invented_poses(people).fillna(0.5)
    for joint in KEYPOINTS:
        poses[f"crop_{joint}_score"] = float(joint in ("left_shoulder", "left_elbow", "left_wrist"))
    axis = figures.draw_poses(people, poses, load_profile("sample"), VERB_LIST, language).axes[0]
    limbs = [line for line in axis.lines if len(line.get_xdata()) == 2 and line.get_color() != "white"]
    assert [line.get_color() for line in limbs] == [figures.COLOURS[0]] * 2
    assert len(axis.lines[-1].get_xdata()) == 3


def test_the_drawn_model_has_the_numbers_given(people):
    figures.use_style("en")
    words = [text.get_text() for text in draw_invented_model(people, "en").axes[0].texts]
    assert {"768", "17 × 3 = 51", "819", "Linear\n512\nReLU", "Linear\n3"} <= set(words)
    assert {"CLIP ViT-L/14\n(frozen)", "HigherHRNet W32\n(frozen)"} <= set(words)
    assert not any(number in "".join(words) for number in ("26", "1024", "563"))


def test_same_posture_shows_every_verb_and_confident_joints_alone(people):
    """A person with five verbs, of whom three joints are confident and three are found, but not so."""
    figures.use_style("en")
    two = people.head(2).copy()
    two[VERB_LIST] = False
    two.loc[two.index[0], VERB_LIST[:5]] = True
    poses = invented_poses(people).loc[two.index].fillna(0.5)
    for number, joint in enumerate(KEYPOINTS):
        poses[f"crop_{joint}_score"] = [0.3, 0.2, 0][min(number // 3, 2)]
    chosen = pd.DataFrame({"pair": [1, 1]}, two.index)
    figure = figures.draw_same_posture(two, poses, chosen, load_profile("sample"), VERB_LIST, "en")
    upper = figure.axes[0]
    assert upper.texts[0].get_text().replace("\n", " ") == ", ".join(VERB_LIST[:5])
    assert len(upper.lines[-1].get_xdata()) == 3


def test_the_names_of_arms_and_groups_are_translated():
    thesis = figures.load_thesis("accuracies.csv")["arm"]
    names = {*thesis, "CLIP full + pose", "score >= 0.5", "score < 0.5", "all"}
    names |= {f"trained on {people}" for people in ("everybody", "confident", "random")}
    for name in (*names, "verb frequency", "most frequent set"):
        assert figures.text(name, "ja") != name


def test_every_verb_has_a_japanese_name_of_its_own():
    names = [figures.text(verb, "ja") for verb in VERBS]
    assert all(not name.isascii() for name in names)
    assert len(set(names)) == len(VERBS)


def test_language_must_be_known():
    with pytest.raises(DataError, match='choose "en" or "ja"'):
        figures.use_style("de")


def test_style_does_not_depend_on_the_users(tmp_path):
    plt.rcParams["font.size"] = 40
    figures.use_style("en")
    assert plt.rcParams["font.size"] == 8


def test_saved_figures_say_what_they_show(tmp_path, language):
    figure, axis = plt.subplots()
    axis.plot([1, 2])
    paths = figures.save_figure(figure, tmp_path, "name", profile="sample", seeds=3)
    assert [path.name for path in paths] == ["name.pdf", "name.png"]
    with Image.open(paths[1]) as image:
        about = json.loads(image.text["Description"])
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    assert head.startswith(about["commit"].removesuffix("-dirty"))
    assert (about["profile"], about["seeds"]) == ("sample", 3)
    for field in (b'"profile": "sample"', b'"seeds": 3', b'"commit": "' + about["commit"].encode()):
        assert field in paths[0].read_bytes()
    first = [path.read_bytes() for path in paths]
    figures.save_figure(figure, tmp_path, "name", profile="sample", seeds=3)
    assert [path.read_bytes() for path in paths] == first  # the same drawing is the same file
