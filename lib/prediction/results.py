"""What prediction leaves behind: a record per image while it runs, then one JSON and one CSV."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from lib.coco import BOX
from lib.files import write_whole
from lib.prediction.people import match_boxes
from lib.prediction.saved import ActionModel


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person in an image, and what a model says of them.

    `x`, `y`, `w`, `h` are pixels of the upright image. `score` and `keypoints`, 17 of x, y, confidence, are
    those of the pose that the model sees; where it sees none, of the one by which the person was found; None
    where there is none. `probabilities`, by verb, is None and `verbs`, those above their thresholds, is empty
    where the model lacks a number; `failure` says why.
    """

    person: str
    x: float
    y: float
    w: float
    h: float
    score: float | None
    keypoints: list[tuple[float, float, float]] | None
    probabilities: dict[str, float] | None
    verbs: list[str]
    failure: str | None = None

    def ranked_verbs(self) -> dict[str, float]:
        """Return the probabilities of the verbs that are named, the most probable first."""
        probabilities = self.probabilities or {}
        return {verb: probabilities[verb] for verb in sorted(self.verbs, key=lambda v: -probabilities[v])}


class ImageResult(msgspec.Struct, frozen=True, kw_only=True):
    """An image with its people. `failure` says why there are none; `overlay` is a path below the output."""

    image: str
    width: int = 0
    height: int = 0
    people: list[Person] = []
    overlay: str | None = None
    failure: str | None = None


class Record(msgspec.Struct, frozen=True):
    """A finished image as it waits on disk; `made_of` is the fingerprint of everything that it depends on."""

    made_of: str
    result: ImageResult


def read_record(path: Path, made_of: str) -> ImageResult | None:
    """Return the result that is stored, if it was made of this; None where it is absent, stale or damaged."""
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
    except (OSError, ValueError):
        return None
    return record.result if record.made_of == made_of else None


def write_record(path: Path, made_of: str, result: ImageResult) -> None:
    """Store a finished image."""
    with write_whole(path) as temporary:
        temporary.write_bytes(msgspec.json.encode(Record(made_of, result)))


def tabulate_people(results: Sequence[ImageResult], verbs: Sequence[str]) -> pd.DataFrame:
    """Return one row per person, in the order of the results.

    Columns: `image`, `person`, the box, `score`, `verbs` joined by commas, `failure`, then a probability per
    verb; NaN or None where missing.
    """
    rows = [
        {
            "image": result.image,
            **{field: getattr(person, field) for field in ("person", *BOX, "score")},
            "verbs": ", ".join(person.verbs),
            "failure": person.failure,
            **(person.probabilities or dict.fromkeys(verbs, np.nan)),
        }
        for result in results
        for person in result.people
    ]
    columns = ["image", "person", *BOX, "score", "verbs", "failure", *verbs]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys([*BOX, "score", *verbs], float))


def find_truth(results: Sequence[ImageResult], people: pd.DataFrame, verbs: Sequence[str]) -> pd.DataFrame:
    """Return the true verbs of those in images whom `people` of a profile has: booleans, a column per verb.

    Indexed by `image` and `person`. An image is known by its file's name and size, a person by an overlap of
    the boxes of half or more.
    """
    rows = {}
    for result in results:
        name, size = Path(result.image).name, (result.width, result.height)
        true = people[people["file_name"] == name]
        true = true[(true["width"] == size[0]) & (true["height"] == size[1])]
        boxes = pd.DataFrame(
            [[getattr(person, side) for side in BOX] for person in result.people],
            index=[person.person for person in result.people],
            columns=BOX,
        )
        for person, ann_id in match_boxes(boxes, true).dropna().items():
            rows[result.image, person] = true.loc[ann_id, list(verbs)]
    index = pd.MultiIndex.from_tuples(rows, names=["image", "person"])
    return pd.DataFrame(list(rows.values()), columns=list(verbs)).set_axis(index).astype(bool)


def write_results(
    output: Path, results: Sequence[ImageResult], model: ActionModel, about: Mapping[str, object]
) -> None:
    """Write `predictions.csv`, a row per person, and `predictions.json`, all there is to know."""
    content = {
        "model": {field: getattr(model.card, field) for field in ("name", "weights_sha256", "thresholds")},
        **about,
        "images": results,
    }
    with write_whole(output / "predictions.csv") as path:
        tabulate_people(results, model.card.verbs).to_csv(path, index=False, float_format="%.6g")
    with write_whole(output / "predictions.json") as path:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
