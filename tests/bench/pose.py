"""HigherHRNet-W32 at 512 with flip test, random weights, on crops of people."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench import literal_encoders
from bench.encoders import POSE_PIXELS, cut_crops, input_pixels, load_persons, make_weights
from bench.formats import formats, make_estimates, make_rows
from bench.fullsize import EVERYBODY
from bench.machine import alternate, forget_peak, peak_memory
from bench.table import Outcome
from lib.coco import BOX
from lib.crops import read_image
from lib.higherhrnet.model import load_higherhrnet
from lib.pose import PoseEstimator
from lib.pose.keypoints import evaluate_keypoints
from lib.profiles import load_profile
from lib.vcoco import load_people

PERSONS, ROUNDS = 5, 3
CLOSE = 1e-3  # pixels


def measure() -> Outcome:
    """Time the estimator in float32 and in the machine's fastest format beside the literal loop."""
    people, folder = load_persons(PERSONS)
    crops = cut_crops(people, folder)
    with tempfile.TemporaryDirectory() as temporary:
        network = load_higherhrnet(make_weights(Path(temporary), crops).pose_weights)
    pictures = {name: read_image(folder / name) for name in people["file_name"].unique()}
    images, boxes = [pictures[name] for name in people["file_name"]], people[BOX].to_numpy(float)
    runs, memory = {}, {}
    for precision in formats():
        forget_peak()
        estimator = PoseEstimator(network=network, precision=precision, batch_size=2)
        runs[precision] = lambda estimator=estimator: estimator.estimate(images, boxes)
        poses = runs[precision]()
        memory[precision] = peak_memory()
    runs["literal"] = lambda: [literal_encoders.find_pose(network, crop) for crop in crops]
    check(poses.crop_keypoints, np.array(runs["literal"]()))
    lost, pixels = check_precision(), input_pixels(crops)
    times = alternate(runs, ROUNDS)
    way, operations = "one crop, one person at a time", count_operations(network) * pixels / 512**2
    what = "pose, HigherHRNet-W32 at 512 with flip"
    return Outcome(
        make_rows(what, "people", len(crops), times, memory, way, operations),
        make_estimates("pose", EVERYBODY, "people", times, POSE_PIXELS / pixels),
        notes=[
            f"Pose: {len(crops)} people, {poses.found.mean():.1f} found in a crop, inputs of "
            f"{pixels / len(crops):,.0f} pixels in the mean. V-COCO's people have {POSE_PIXELS:,}, which the "
            f"estimates allow for. The fastest format costs {lost:.4f} of the AP on the sample's test people."
        ],
    )


def check(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Assert equal poses but for a few joints: random maps hold near ties, which rounding decides."""
    away = np.abs(ours - theirs).max(axis=-1)
    assert (away <= CLOSE).mean() >= 0.9, f"only {(away <= CLOSE).mean():.0%} of the joints are equal"


def check_precision() -> float:
    """Return what the fastest format costs of the AP of the sample's small network; assert it is little."""
    profile = load_profile("sample")
    files = profile.splits["test"]
    people = load_people(files.vcoco_json, files.instances_json)
    truth = json.loads(files.person_keypoints_json[0].read_text())
    paths, found = [files.images / name for name in people["file_name"]], {}
    for precision in ("float32", "auto"):
        estimator = PoseEstimator(profile.pose_weights, precision=precision)
        poses = estimator.estimate(paths, people[BOX].to_numpy())
        table = pd.DataFrame({"image_id": people["image_id"].to_numpy(), "score": poses.scores})
        found[precision] = evaluate_keypoints(table.assign(keypoints=list(poses.keypoints)), truth)["AP"]
    lost = found["float32"] - found["auto"]
    assert lost < 0.01, f"AP {found}"
    return lost


def count_operations(network: torch.nn.Module) -> int:
    """Return the multiplications and additions of one 512 x 512 input and its mirror image."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network.head(network.extract_feat(torch.zeros(2, 3, 512, 512)))
    return counter.get_total_flops()
