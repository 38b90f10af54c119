"""OKS and AP of keypoints: equal to the formula and to pycocotools, whatever the order."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from reference import shared_path

from lib.coco import SIGMAS
from lib.pose.keypoints import evaluate_keypoints, oks


def oks_literally(predicted: np.ndarray, truth: np.ndarray, area: float) -> float:
    total = count = 0.0
    for joint in range(17):
        if truth[joint, 2] > 0:
            squared = (predicted[joint, 0] - truth[joint, 0]) ** 2 + (
                predicted[joint, 1] - truth[joint, 1]
            ) ** 2
            total += np.exp(-squared / (2 * area * (2 * SIGMAS[joint]) ** 2))
            count += 1
    return total / count if count else np.nan


def draw_dataset(seed: int, images: int = 6) -> dict:
    """Draw a dataset in COCO's keypoint format, with small, unlabelled and crowd persons."""
    rng = np.random.default_rng(seed)
    people = []
    for image in range(images):
        for _ in range(rng.integers(1, 5)):
            size = rng.choice([20, 60, 200])
            corner, visible = rng.uniform(0, 300, 2), rng.integers(0, 3, 17) * (rng.random() > 0.1)
            points = (corner + rng.uniform(0, size, (17, 2))) * (visible[:, None] > 0)
            people.append(
                {
                    "id": len(people) + 1,
                    "image_id": image,
                    "category_id": 1,
                    "iscrowd": int(rng.random() < 0.1),
                    "area": float(size**2),
                    "bbox": [*corner, float(size), float(size)],
                    "num_keypoints": int((visible > 0).sum()),
                    "keypoints": np.column_stack([points, visible]).ravel().tolist(),
                }
            )
    categories = [{"id": 1, "name": "person"}]
    return {
        "images": [{"id": image} for image in range(images)],
        "annotations": people,
        "categories": categories,
    }


def detect(dataset: dict, noise: float, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for person in dataset["annotations"]:
        if not person["num_keypoints"]:
            continue  # ignored by COCO, but a detection that matches nobody is not
        keypoints = np.array(person["keypoints"]).reshape(17, 3)
        keypoints[:, :2] += rng.normal(0, noise, (17, 2)) if noise else 0
        rows.append({"image_id": person["image_id"], "score": rng.random(), "keypoints": keypoints})
    return pd.DataFrame(rows)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), noise=st.sampled_from([0, 3, 30]))
def test_oks_equals_the_formula_and_pycocotools(seed, noise):
    dataset = draw_dataset(seed)
    dataset["annotations"] = [person for person in dataset["annotations"] if person["num_keypoints"]]
    detections = detect(dataset, noise, seed)
    predicted = np.stack(detections["keypoints"])
    truth = np.array([person["keypoints"] for person in dataset["annotations"]]).reshape(-1, 17, 3)
    areas = np.array([person["area"] for person in dataset["annotations"]])
    ours = oks(predicted, truth, areas)
    np.testing.assert_allclose(
        ours, [oks_literally(*row) for row in zip(predicted, truth, areas, strict=True)]
    )
    assert noise or np.all((ours == 1) | np.isnan(ours))
    evaluation = evaluate_by_pycocotools(dataset, detections)
    for row, person in enumerate(dataset["annotations"]):
        image = person["image_id"]
        # pycocotools orders the detections of an image by falling score.
        rivals = detections.query("image_id == @image").sort_values("score", ascending=False).index
        column = [other["id"] for other in evaluation._gts[image, 1]].index(person["id"])
        theirs = evaluation.ious[image, 1][list(rivals).index(row), column]
        assert theirs == pytest.approx(ours[row], abs=1e-12)


def evaluate_by_pycocotools(dataset: dict, detections) -> COCOeval:
    truth = COCO()
    truth.dataset = dataset | {"info": {}}
    truth.createIndex()
    results = [
        {
            "image_id": row.image_id,
            "category_id": 1,
            "score": row.score,
            "keypoints": row.keypoints.ravel().tolist(),
        }
        for row in detections.itertuples()
    ]
    evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("noise", [0, 4, 20])
def test_ap_equals_pycocotools_in_any_order(noise):
    dataset = draw_dataset(7)
    detections = detect(dataset, noise)
    ours = evaluate_keypoints(detections, dataset)
    theirs = evaluate_by_pycocotools(dataset, detections).stats
    np.testing.assert_array_equal(ours.fillna(-1), theirs)
    shuffled = detections.sample(frac=1, random_state=1)
    np.testing.assert_allclose(evaluate_keypoints(shuffled, dataset), ours)
    if noise == 0:
        assert ours["AP"] == ours["AR"] == pytest.approx(1, abs=1e-12)
    else:
        assert ours["AP"] < 1


def test_ap_of_real_annotations_is_one():
    dataset = json.loads(Path(shared_path("coco_keypoints/person_keypoints.json")).read_text())
    result = evaluate_keypoints(detect(dataset, 0), dataset)
    assert result["AP"] == pytest.approx(1, abs=1e-12)
    assert result["AR"] == pytest.approx(1, abs=1e-12)


def test_persons_not_found_count_as_no_detection():
    dataset = draw_dataset(3)
    detections = detect(dataset, 4)
    nobody = detections.assign(keypoints=[np.full((17, 3), np.nan)] * len(detections), score=np.nan)
    assert (evaluate_keypoints(nobody, dataset).dropna() == 0).all()
    half = [pose if i % 2 else np.full((17, 3), np.nan) for i, pose in enumerate(detections["keypoints"])]
    np.testing.assert_array_equal(
        evaluate_keypoints(detections.assign(keypoints=half), dataset),
        evaluate_keypoints(detections[1::2], dataset),
    )
    truth = np.array([person["keypoints"] for person in dataset["annotations"]]).reshape(-1, 17, 3)
    assert np.isnan(oks(truth, truth * [1, 1, 0], np.ones(len(truth)))).all()
    assert (np.nan_to_num(oks(np.full_like(truth, np.nan), truth, np.ones(len(truth)))) == 0).all()
    with pytest.raises(ValueError, match="score"):
        evaluate_keypoints(detections.drop(columns="score"), dataset)
