"""Who is in an image: boxes around joints, doubles left out, files of boxes, matching, and the pictures."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import SAMPLE
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lib.coco import BOX
from lib.crops import overlap, read_image
from lib.figures.language import JAPANESE
from lib.higherhrnet.associative_embedding import People
from lib.pose import PoseEstimator
from lib.prediction.overlays import draw_overlay, load_font
from lib.prediction.people import COLUMNS, box_people, boxes_of, find_people, match_boxes, read_boxes
from lib.prediction.results import ImageResult, Person, find_truth
from lib.profiles import DataError
from lib.vcoco import VERBS


def body(left: float, top: float, width: float, height: float, confidence: float = 0.8) -> np.ndarray:
    """Return 17 joints that fill a box."""
    joints = np.random.default_rng(0).uniform(0, 1, (17, 2))
    joints[:2] = [[0, 0], [1, 1]]
    points = joints * [width, height] + [left, top]
    return np.column_stack([points, np.full(17, confidence)])


def box(*bodies: np.ndarray, scores: list[float], **options) -> pd.DataFrame:
    """Box people found in a picture of 400 x 300 pixels."""
    people = People(np.array(bodies).reshape(-1, 17, 3), np.array(scores), len(bodies))
    return box_people(people, 400, 300, **options)


def test_people_have_boxes_around_their_joints_from_left_to_right():
    right, left = body(300, 100, 40, 100), body(50, 100, 40, 100)
    table = box(right, left, scores=[0.9, 0.5])
    assert list(table.columns) == COLUMNS
    assert table["person"].tolist() == ["1", "2"]
    assert table[BOX].to_numpy().tolist() == [[40, 90, 60, 120], [290, 90, 60, 120]]
    assert table["score"].tolist() == [0.5, 0.9]
    np.testing.assert_array_equal(table.iloc[0, 6:].to_numpy(float).reshape(17, 3), left)


def test_boxes_end_where_the_image_does():
    table = box(body(-5, 250, 100, 80), scores=[0.9])
    assert table[BOX].to_numpy().tolist() == [[0, 240, 105, 60]]


def test_doubles_low_scores_and_lone_joints_are_left_out():
    one, double, faint, alone = (body(50, 50, 100, 100) for _ in range(4))
    double[:, :2] += 10
    faint[:, :2] += 200
    alone[:, :2] += [200, 0]
    alone[2:, 2] = 0.1
    table = box(double, one, faint, alone, scores=[0.5, 0.8, 0.19, 0.4])
    assert table["score"].tolist() == [0.8]
    assert len(box(faint, scores=[0.19], min_score=0.1)) == 1
    assert box(scores=[]).empty


def test_faint_joints_do_not_widen_the_box():
    joints = body(100, 100, 50, 50)
    joints[5] = [390, 290, 0.1]
    assert box(joints, scores=[0.5])[BOX].to_numpy().tolist() == [[95, 95, 60, 60]]


@given(arrays(np.float64, (6, 17, 2), elements=st.floats(-50, 450)), st.integers(0, 9))
def test_every_box_lies_in_the_image_and_no_two_are_alike(points, seed):
    scores = np.random.default_rng(seed).uniform(0, 1, 6)
    joints = np.concatenate([points, np.full((6, 17, 1), 0.9)], axis=2)
    table = box(*joints, scores=scores.tolist())
    boxes = table[BOX].to_numpy()
    assert (boxes >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= [400.001, 300.001]).all()
    assert all(overlap(a, b) <= 0.5 for a, b in itertools.combinations(boxes, 2))
    assert table["score"].max() == scores.max()


def test_the_network_finds_somebody_in_a_drawn_image():
    estimator = PoseEstimator(SAMPLE / "higherhrnet_small.pth")
    picture = read_image(SAMPLE / "images/val2014/COCO_val2014_000000005004.jpg")
    nobody, somebody = find_people(estimator, [np.zeros((90, 70, 3), np.uint8), picture])
    assert nobody.empty
    assert somebody["score"].max() > 0.3
    direct = estimator.find([picture])[0]
    pd.testing.assert_frame_equal(somebody, box_people(direct, *picture.shape[1::-1]))


# --- Who is who


def match_literally(found: list, true: list) -> float:
    """Return the largest sum of overlaps over all pairings, by trying every one."""
    places = list(range(len(true))) + [None] * len(found)
    sums = [
        sum(overlap(box, true[place]) for box, place in zip(found, chosen, strict=True) if place is not None)
        for chosen in itertools.permutations(places, len(found))
    ]
    return max(sums)


@given(
    arrays(np.float64, (3, 4), elements=st.integers(0, 60)),
    arrays(np.float64, (2, 4), elements=st.integers(1, 60)),
)
def test_boxes_are_matched_as_the_best_of_all_pairings(found, true):
    found = pd.DataFrame(found, columns=BOX, index=["a", "b", "c"])
    true = pd.DataFrame(true, columns=BOX, index=[10, 11])
    matched = match_boxes(found, true, at_least=0).dropna()
    assert matched.is_unique
    total = sum(overlap(found.loc[a].to_numpy(), true.loc[b].to_numpy()) for a, b in matched.items())
    assert total == pytest.approx(match_literally(found.to_numpy(), true.to_numpy()))
    strict = match_boxes(found, true).dropna()
    assert all(overlap(found.loc[a].to_numpy(), true.loc[b].to_numpy()) >= 0.5 for a, b in strict.items())


def person(name: str, box: list[float], **fields) -> Person:
    x, y, w, h = box
    given = {"score": None, "keypoints": None, "probabilities": None, "verbs": []}
    return Person(person=name, x=x, y=y, w=w, h=h, **given | fields)


def test_the_truth_of_people_is_known_by_file_size_and_box():
    people = pd.DataFrame(
        {"file_name": ["a.jpg", "a.jpg", "b.jpg"], "width": 100, "height": 50, "x": [0.0, 60, 0], "y": 0.0}
        | {"w": 30.0, "h": 40.0, **dict.fromkeys(VERBS, False)},
        index=pd.Index([7, 8, 9], name="ann_id"),
    )
    people.loc[8, "ski"] = True
    shown = [person("1", [58, 0, 30, 40]), person("2", [30, 0, 20, 40])]
    results = [
        ImageResult(image="folder/a.jpg", width=100, height=50, people=shown),
        ImageResult(image="b.jpg", width=101, height=50, people=[person("1", [0, 0, 30, 40])]),
        ImageResult(image="c.jpg", failure="gone"),
    ]
    truth = find_truth(results, people, VERBS)
    assert truth.index.tolist() == [("folder/a.jpg", "1")]
    assert truth.columns[truth.iloc[0]].tolist() == ["ski"]


# --- Files of boxes


def test_boxes_are_read_alike_from_csv_and_json(tmp_path):
    rows = [["猫.jpg", 1, 2, 3.5, 4], ["猫.jpg", 5, 6, 7, 8], ["b.jpg", 0, 0, 1, 1]]
    records = [dict(zip(["image", *BOX], row, strict=True)) for row in rows]
    (tmp_path / "a.json").write_text(json.dumps(records), encoding="utf-8")
    pd.DataFrame(records).assign(colour="red").to_csv(tmp_path / "a.csv", index=False, encoding="utf-8-sig")
    first, second = read_boxes(tmp_path / "a.json"), read_boxes(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(first, second)
    assert first["person"].tolist() == ["1", "2", "1"]
    assert first[BOX].to_numpy().tolist() == [row[1:] for row in rows]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "image,x,y,w,h\na.jpg,1,2,three,4\n", r"Expected `float`.* at `\$\[0\]\.w`"),
        ("a.csv", "image,x,y,w,h\na.jpg,1,2\n", r"\$\[0\]\.w"),
        ("a.csv", "x,y,w,h\n1,2,3,4\n", "missing required field `image`"),
        ("a.json", '{"image": "a.jpg"}', "Expected `array`, got `object`"),
        ("a.json", "[", "these are no boxes"),
        ("a.csv", b"\xff\xfe\x00", "these are no boxes"),
        ("a.csv", "image,person,x,y,w,h\na.jpg,2,1,2,3,4\na.jpg,2,1,2,3,4\n", "person: .*2.* is there twice"),
    ],
)
def test_a_wrong_file_of_boxes_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message) as error:
        read_boxes(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


def test_boxes_belong_to_an_image_by_its_name_or_its_path():
    boxes = pd.DataFrame(
        [["a.jpg", "1"], ["x/a.jpg", "2"], ["y/a.jpg", "3"], ["ba.jpg", "4"]], columns=["image", "person"]
    ).assign(**dict.fromkeys(BOX, 1.0))
    assert boxes_of(Path("z/a.jpg"), boxes)["person"].tolist() == ["1"]
    assert boxes_of(Path("x/a.jpg"), boxes)["person"].tolist() == ["1", "2"]


# --- Pictures


@pytest.mark.parametrize("size", [(1, 1), (320, 240), (900, 30), (8000, 1000), (30, 3000)])
def test_overlays_of_all_sizes_keep_the_picture_and_put_words_below(size):
    pixels = np.full((size[1], size[0], 3), 200, np.uint8)
    words = dict.fromkeys(VERBS, 0.9)
    people = [person(str(n), [1, 1, 8, 8], probabilities=words, verbs=list(VERBS)) for n in range(3)]
    plain, drawn = draw_overlay(pixels, [], "en"), draw_overlay(pixels, people, "en")
    assert 1 <= max(plain.size) <= 1600
    assert drawn.width == plain.width >= 480
    assert drawn.height > plain.height
    below = np.asarray(drawn)[plain.height :]
    assert (below != 255).any(axis=2).mean() > 0.002, "there is text"
    assert (below[:, -4:] == 255).all(), "no line is cut off"


def test_boxes_are_drawn_where_they_are():
    pixels = np.full((400, 800, 3), 200, np.uint8)
    picture = np.asarray(draw_overlay(pixels, [person("1", [100, 150, 200, 200])], "en")).astype(int)
    blue = np.abs(picture - [0x00, 0x72, 0xB2]).sum(axis=2) < 30
    rows, columns = np.nonzero(blue[:400, :800])
    assert (columns.min(), columns.max()) == (100, 300)
    assert rows.max() == 350
    assert blue[200:300, 101].all()
    assert not blue[200:300, 150].any()


def test_every_japanese_verb_has_its_letters():
    """A missing letter is drawn as the font's empty box, the same for all of them."""
    font = load_font("ja", 24)
    missing = font.getmask("\U0010fffe").getbbox(), bytes(font.getmask("\U0010fffe"))
    for letter in set("".join(JAPANESE[verb] for verb in VERBS)):
        assert (font.getmask(letter).getbbox(), bytes(font.getmask(letter))) != missing
