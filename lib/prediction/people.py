"""Who is in an image: people found by HigherHRNet, or boxes that a file gives."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from lib.coco import BOX, duplicates, listing
from lib.crops import overlap
from lib.features.views import POSE_GROUPS
from lib.profiles import DataError

if TYPE_CHECKING:
    from lib.higherhrnet.associative_embedding import People
    from lib.pose import PoseEstimator

MIN_SCORE = 0.2  # of a pose, so that it counts as a person
SEEN, FEWEST_SEEN = 0.2, 3  # a joint's confidence, and how many such joints make a box
MARGIN = 0.1  # of the joints' longer side: COCO's boxes go 0.07 to 0.13 beyond the outermost true joints
SAME_PERSON = 0.5  # overlap of boxes, as detectors have it; the grouping of joints may give somebody twice
RULES = {"seen": SEEN, "fewest": FEWEST_SEEN, "margin": MARGIN, "same": SAME_PERSON}
COLUMNS = ["person", *BOX, "score", *POSE_GROUPS["image"]]


class _Row(msgspec.Struct):
    """A row of a file of boxes."""

    image: str
    x: float
    y: float
    w: float
    h: float
    person: str | int = ""


def find_people(
    estimator: "PoseEstimator", pictures: Sequence[np.ndarray], min_score: float = MIN_SCORE
) -> list[pd.DataFrame]:
    """Find the people in RGB pictures (h, w, 3); return `box_people`'s table for each."""
    return [
        box_people(people, picture.shape[1], picture.shape[0], min_score)
        for people, picture in zip(estimator.find(pictures), pictures, strict=True)
    ]


def box_people(people: "People", width: int, height: int, min_score: float = MIN_SCORE) -> pd.DataFrame:
    """Return the people found in a picture as a table, from left to right, with a box around each.

    Columns: `person`, numbered from "1"; the box around the joints, grown and clipped to the picture;
    `score`; and the joints in pixels of the picture. Left out are people of a lower score, of fewer than 3
    joints, and those whose box is more or less that of somebody with a higher score.
    """
    kept: list[tuple[int, np.ndarray]] = []
    for number in np.argsort(-people.scores, kind="stable"):
        box = _box_around(people.keypoints[number], width, height)
        if box is None or not people.scores[number] >= min_score:  # a missing score is none
            continue
        if all(overlap(box, other) <= SAME_PERSON for _, other in kept):
            kept.append((number, box))
    kept.sort(key=lambda row: tuple(row[1]))
    rows = [
        [str(place), *box, people.scores[number], *people.keypoints[number].ravel()]
        for place, (number, box) in enumerate(kept, start=1)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _box_around(keypoints: np.ndarray, width: int, height: int) -> np.ndarray | None:
    """Return the box (x, y, w, h) around the joints that are seen, or None where they are too few."""
    seen = keypoints[keypoints[:, 2] >= SEEN, :2]
    if len(seen) < FEWEST_SEEN:
        return None
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = MARGIN * max(high - low)
    low, high = np.clip([low - margin, high + margin], 0, [width, height])
    return np.concatenate([low, high - low])


def match_boxes(found: pd.DataFrame, true: pd.DataFrame, at_least: float = 0.5) -> pd.Series:
    """Say who of `true` each of `found` is, by boxes of one image: its index, or missing.

    One each, so that the sum of overlaps is largest; an overlap below `at_least` counts as none.
    """
    pairs = [overlap(a, b) for a in found[BOX].to_numpy(float) for b in true[BOX].to_numpy(float)]
    overlaps = np.reshape(pairs, (len(found), len(true)))
    matched = pd.Series(pd.NA, found.index, dtype="Int64")
    for row, column in zip(*linear_sum_assignment(-overlaps), strict=True):
        if overlaps[row, column] >= at_least:
            matched.iloc[row] = true.index[column]
    return matched


def read_boxes(file: str | Path) -> pd.DataFrame:
    """Read boxes of people in images, from a CSV with a header or a JSON list of objects.

    Columns: `image`, its file name or path; `person`, numbered from "1" in each image unless given; the box
    in pixels of the upright image. What else the file says is left out. Raises DataError naming the field.
    """
    path = Path(file)
    try:
        if path.suffix.lower() == ".json":
            rows = msgspec.json.decode(path.read_bytes(), type=list[_Row])
        else:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                rows = msgspec.convert(list(csv.DictReader(lines)), list[_Row], strict=False)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give a file of boxes.") from None
    except (ValueError, csv.Error) as error:
        raise DataError(
            f"{path}: these are no boxes ({error}); give a CSV with the columns image, x, y, w, h, or a JSON "
            "list of such objects."
        ) from None
    boxes = pd.DataFrame([msgspec.to_builtins(row) for row in rows], columns=["image", *BOX, "person"])
    numbers = (boxes.groupby("image").cumcount() + 1).astype(str)
    boxes["person"] = boxes["person"].where(boxes["person"] != "", numbers).astype(str)
    if twice := duplicates(list(zip(boxes["image"], boxes["person"], strict=True))):
        raise DataError(f"{path}: person: {listing(twice)} is there twice; number an image's people.")
    return boxes


def label_boxes(people: pd.DataFrame) -> pd.DataFrame:
    """Return the boxes of a profile's people as `read_boxes` gives them; a person is named by its ann_id."""
    boxes = people[["file_name", *BOX]].rename(columns={"file_name": "image"}).reset_index(drop=True)
    return boxes.assign(person=people.index.astype(str))


def boxes_of(image: Path, boxes: pd.DataFrame) -> pd.DataFrame:
    """Return an image's rows of a table of boxes, as `find_people` gives them without scores and joints."""
    return boxes[boxes["image"].isin(_names(image))].reset_index(drop=True).reindex(columns=COLUMNS)


def find_unknown(boxes: pd.DataFrame, images: Iterable[Path]) -> list[str]:
    """Name the images, each once, of which a table has boxes and that are none of `images`."""
    names = {name for image in images for name in _names(image)}
    return boxes.loc[~boxes["image"].isin(names), "image"].unique().tolist()


def _names(image: Path) -> set[str]:
    """Return by which names a table of boxes may call an image."""
    return {str(image), image.as_posix(), image.name}
