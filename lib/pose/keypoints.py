"""COCO keypoints as numbers: their names, forms that a network can use, and their quality (OKS, AP).

Everywhere keypoints are (people, 17, 3): x, y in pixels and confidence. A joint with confidence 0 is
*missing*; a person whose numbers are NaN was not found. Nothing here needs an encoder.
"""

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from lib.coco import BOX, KEYPOINTS, SIGMAS

SHOULDERS, HIPS = [5, 6], [11, 12]
CONFIDENT_JOINT = 0.3  # of a joint's confidence: where postures are compared, joints below do not count
PERSON_SHARE_OF_BOX = 0.53  # of a COCO person's box, on average, that its mask covers

EVALUATION_NAMES = [
    *("AP", "AP50", "AP75", "AP_medium", "AP_large"),
    *("AR", "AR50", "AR75", "AR_medium", "AR_large"),
]


def normalise_keypoints(
    keypoints: np.ndarray,
    form: str,
    *,
    sizes: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
    moments: ArrayLike | None = None,
) -> np.ndarray:
    """Return (people, 17, 3) keypoints in another form, confidences unchanged.

    raw        as they are, missing joints too (the thesis, on crop pixels)
    crop       divided by the crop's `sizes` (people, 2), w and h
    box        the box (x, y, w, h) of `boxes` (people, 4), in the same pixels, becomes the unit square
    torso      centred on the torso, its length 1: see `torso_frame`
    standard   each joint's x and y less the mean, over the deviation, of `moments` (2, 17, 2), which
               `keypoint_moments` gives of training persons

    In every form but `raw` a missing joint is 0, 0, 0. Persons not found stay NaN. Raises ValueError for
    another form, and where what a form needs is not given.
    """
    points, found = keypoints[..., :2], keypoints[..., 2] > 0
    if form == "raw":
        return keypoints.copy()
    if form == "crop":
        points = points / _given(sizes, "sizes", form)[:, None]
    elif form == "box":
        boxes = _given(boxes, "boxes", form)
        points = (points - boxes[:, None, :2]) / np.maximum(boxes[:, None, 2:], 1)
    elif form == "torso":
        centre, length = torso_frame(keypoints)
        points = (points - centre[:, None]) / length[:, None, None]
    elif form == "standard":
        mean, deviation = _given(moments, "moments", form)
        points = (points - mean) / deviation
    else:
        raise ValueError(f"form is one of raw, crop, box, torso, standard, got {form!r}")
    normalised = np.where(found[..., None], np.concatenate([points, keypoints[..., 2:]], axis=-1), 0)
    return np.where(np.isnan(keypoints), np.nan, normalised)


def _given(value: ArrayLike | None, name: str, form: str) -> np.ndarray:
    if value is None:
        raise ValueError(f"the form {form!r} needs {name}")
    return np.asarray(value, dtype=float)


def torso_frame(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each person's centre (people, 2) and length (people,) in pixels.

    The centre is the mean of the found shoulders and hips, the length the distance from the middle of the
    found shoulders to that of the found hips. Without a shoulder or without a hip the length is the diagonal
    around all found joints; without any of the four the centre is the mean of all found joints. A length is
    at least 1 pixel.
    """
    points, found = keypoints[..., :2], keypoints[..., 2] > 0
    torso = np.zeros_like(found)
    torso[:, SHOULDERS + HIPS] = found[:, SHOULDERS + HIPS]
    centre = _mean_point(points, np.where(torso.any(axis=1, keepdims=True), torso, found))
    middles = [_mean_point(points[:, side], found[:, side]) for side in (SHOULDERS, HIPS)]
    trunk = np.linalg.norm(middles[0] - middles[1], axis=-1)
    low = np.where(found[..., None], points, np.inf).min(axis=1)
    high = np.where(found[..., None], points, -np.inf).max(axis=1)
    diagonal = np.linalg.norm(np.where(found.any(axis=1, keepdims=True), high - low, 0), axis=-1)
    both = found[:, SHOULDERS].any(axis=1) & found[:, HIPS].any(axis=1)
    return centre, np.maximum(np.where(both, trunk, diagonal), 1)


def _mean_point(points: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    total = np.where(chosen[..., None], points, 0).sum(axis=1)
    return total / np.maximum(chosen.sum(axis=1), 1)[:, None]


def keypoint_moments(keypoints: np.ndarray) -> np.ndarray:
    """Return mean and deviation (2, 17, 2) of the found joints' x and y; 0 and 1 where there is no spread."""
    found = (keypoints[..., 2] > 0)[..., None]
    points, count = np.where(found, keypoints[..., :2], 0), np.maximum(found.sum(axis=0), 1)
    mean = points.sum(axis=0) / count
    deviation = np.sqrt(np.where(found, (points - mean) ** 2, 0).sum(axis=0) / count)
    return np.stack([mean, np.where(deviation > 0, deviation, 1)])


def oks(predicted: np.ndarray, truth: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Return each person's OKS: the mean over its labelled joints of exp(-d^2 / 2 s^2 k^2).

    `predicted` and `truth` (people, 17, 3), the third of `truth` being COCO's visibility (0: not labelled);
    s^2 is `areas` (people,), k twice COCO's sigma. NaN without labelled joints, 0 for a person not found.
    COCO keypoint evaluation, https://cocodataset.org/#keypoints-eval
    """
    labelled = truth[..., 2] > 0
    squared = ((predicted[..., :2] - truth[..., :2]) ** 2).sum(axis=-1)
    # pycocotools adds the spacing of 1 to the area, so that an area of 0 does not divide by 0.
    exponent = squared / (2 * SIGMAS) ** 2 / (np.asarray(areas)[:, None] + np.spacing(1)) / 2
    similarity = np.where(labelled, np.nan_to_num(np.exp(-exponent)), 0).sum(axis=1)
    count = labelled.sum(axis=1)
    return np.where(count > 0, similarity / np.maximum(count, 1), np.nan)


def evaluate_keypoints(detections: pd.DataFrame, annotations: dict) -> pd.Series:
    """Return COCO's keypoint AP and AR of detected persons, by pycocotools.

    `detections` has the columns `image_id`, `score` and `keypoints`, a (17, 3) array in image pixels each;
    rows whose keypoints are NaN (nobody found) count as no detection. `annotations` is a dict in COCO's
    keypoint format, and all its images count. -> AP, AP50, AP75, AP_medium, AP_large, then AR likewise; NaN
    where COCO says -1, that is, where no person of that size is labelled. Raises
    ValueError for lacking columns.
    """
    missing = {"image_id", "score", "keypoints"} - set(detections.columns)
    if missing:
        raise ValueError(f"detections lacks the columns {sorted(missing)}, it has {list(detections.columns)}")
    found = [row for row in detections.itertuples() if not np.isnan(row.keypoints).any()]
    results = [
        {
            "image_id": int(row.image_id),
            "category_id": 1,
            "keypoints": np.asarray(row.keypoints, dtype=float).ravel().tolist(),
            "score": float(row.score),
        }
        for row in found
    ]
    if not results:
        return pd.Series(0.0, index=EVALUATION_NAMES)
    with redirect_stdout(StringIO()):  # pycocotools reports its progress by printing
        truth = COCO()
        truth.dataset = {"info": {}, "licenses": []} | annotations
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), iouType="keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return pd.Series(evaluation.stats, index=EVALUATION_NAMES).replace(-1, np.nan)


def evaluate_people(
    people: pd.DataFrame, keypoints: np.ndarray, scores: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, pd.Series]:
    """Return each person's OKS and COCO's AP, with one predicted pose per person of `people`.

    keypoints, truth   (people, 17, 3) in pixels of the image, NaN where nobody was found, or where COCO has
                       no keypoints: such people have no OKS and do not count in AP
    An area is taken as 0.53 of the box's, as MMPose does where masks are not read.
    """
    areas = PERSON_SHARE_OF_BOX * (people["w"] * people["h"]).to_numpy()
    labels = np.nan_to_num(truth)
    known = (labels[..., 2] > 0).any(axis=1)
    content = {
        "images": [{"id": int(image_id)} for image_id in people["image_id"].unique()],
        "annotations": _annotate(people[known], areas[known], labels[known]),
        "categories": [{"id": 1, "name": "person", "keypoints": list(KEYPOINTS)}],
    }
    detections = pd.DataFrame({"image_id": people["image_id"][known].to_numpy(), "score": scores[known]})
    detections["keypoints"] = list(keypoints[known])
    return oks(keypoints, labels, areas), evaluate_keypoints(detections, content)


def _annotate(people: pd.DataFrame, areas: np.ndarray, keypoints: np.ndarray) -> list[dict]:
    """Write people and their joints (people, 17, 3) as COCO's annotations."""
    boxes = people[BOX].to_numpy().tolist()
    return [
        {
            "id": int(ann_id),
            "image_id": int(image_id),
            "category_id": 1,
            "iscrowd": 0,
            "bbox": box,
            "area": float(area),
            "keypoints": joints.ravel().tolist(),
            "num_keypoints": int((joints[:, 2] > 0).sum()),
        }
        for ann_id, image_id, box, area, joints in zip(
            people.index, people["image_id"], boxes, areas, keypoints, strict=True
        )
    ]
