"""Measure `PoseEstimator` against the literal loop of MMPose 0.29: HigherHRNet W32 at 512, same crops.

    python tests/bench_pose.py [--rounds 2] [--threads 2] [--persons 24] [--device cpu]

The weights are random, so the last layers are shifted until a crop shows a few people, as real ones do;
decoding would otherwise be measured on hundreds. Both sides alternate, because the machine may be shared. The
literal loop is float32, one crop and one person at a time.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from as_in_0x import people_as_in_0x
from reference import build_by_rule, shared_path

from lib.coco import BOX, FLIP_INDICES
from lib.crops import cut, grow_box, read_image
from lib.higherhrnet.associative_embedding import local_maxima
from lib.higherhrnet.model import aggregate_maps
from lib.pose.estimator import PoseEstimator
from lib.pose.keypoints import evaluate_keypoints
from lib.pose.windows import input_window, load_pixels
from lib.precision import choose_dtype
from lib.profiles import load_profile
from lib.vcoco import load_people


def load_persons(count: int | None) -> tuple[list[np.ndarray], np.ndarray]:
    """Return images and boxes of the persons in the real images beside the checkout: COCO's, V-COCO's."""
    folder = shared_path("coco_keypoints")
    content = json.loads((folder / "person_keypoints.json").read_text())
    files = {image["id"]: folder / image["file_name"] for image in content["images"]}
    persons = [(files[one["image_id"]], one["bbox"]) for one in content["annotations"] if not one["iscrowd"]]
    folder = shared_path("vcoco")
    people = load_people(folder / "vcoco_test.json", folder / "instances_vcoco_all_2014.json")
    for person in people[["file_name", *BOX]].itertuples(index=False):
        if (folder / "images" / person.file_name).exists():
            persons.append((folder / "images" / person.file_name, list(person[1:])))
    pictures = {path: read_image(path) for path, _ in persons}
    return [pictures[path] for path, _ in persons[:count]], np.array([box for _, box in persons[:count]])


def sample_average_precision(precisions: list[str]) -> pd.Series:
    """Return the AP of the sample's small weights over its test people, per precision."""
    profile = load_profile("sample")
    files = profile.splits["test"]
    people = load_people(files.vcoco_json, files.instances_json)
    truth = json.loads(files.person_keypoints_json[0].read_text())
    paths = [files.images / name for name in people["file_name"]]
    found = {}
    for precision in precisions:
        poses = PoseEstimator(profile.pose_weights, precision=precision).estimate(
            paths, people[BOX].to_numpy()
        )
        table = pd.DataFrame({"image_id": people["image_id"].to_numpy(), "score": poses.scores})
        found[precision] = evaluate_keypoints(table.assign(keypoints=list(poses.keypoints)), truth)["AP"]
    return pd.Series(found)


@torch.inference_mode()
def calm(network: torch.nn.Module, crops: list[np.ndarray]) -> None:
    """Let no crop show more than two people: at most two peaks over the threshold per joint, any tag fits."""
    thirds = []
    for crop in crops:
        window = input_window(crop.shape[1], crop.shape[0])
        pixels = load_pixels([window.warp(crop)])
        outputs = [network.head(network.extract_feat(one)) for one in (pixels, pixels.flip(-1))]
        heatmaps, _ = aggregate_maps(*outputs, size=window.size)
        peaks = local_maxima(heatmaps - heatmaps.min() + 1, 5) + heatmaps.min() - 1  # peaks may be negative
        thirds.append(peaks.flatten(2).topk(3)[0][0, :, 2])
    shift = 0.1 - torch.stack(thirds).amax(dim=0)
    # The quarter's maps feed the deconvolution, so only the half's, which count by half, can be shifted.
    network.head.decoder.decode_tag_thr = 1e9  # random tags would make a person of every joint
    network.head.final_layers[1].bias += 2 * torch.minimum(shift, shift[list(FLIP_INDICES)])


def measure(run: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a call takes, and the processor's seconds, which other users disturb less."""
    started = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - started[0], time.process_time() - started[1]


def main() -> None:
    """Print crops per second of every variant, the ratio to the literal loop, and the peak memory of ours."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--persons", type=int, default=None, help="all of the real images unless given")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    images, boxes = load_persons(options.persons)
    crops = [cut(image, grow_box(box, *image.shape[1::-1])) for image, box in zip(images, boxes, strict=True)]
    network = build_by_rule()
    calm(network, crops)
    precisions = ["float32"] + ["auto"] * (choose_dtype("auto", options.device) != torch.float32)
    settings = {"network": network, "device": options.device}
    estimators = {name: PoseEstimator(precision=name, **settings) for name in precisions}
    found = estimators["float32"].estimate(images, boxes).found
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(crops)} crops, {found.mean():.1f} people found in each; peak memory of ours {memory:.2f} GB")

    network.to(options.device)
    runs = {"literal float32": lambda: [people_as_in_0x(network, crop) for crop in crops]}
    for name, estimator in estimators.items():
        runs[f"ours {name}"] = lambda estimator=estimator: estimator.estimate(images, boxes)
    rounds = [{name: measure(run) for name, run in runs.items()} for _ in range(options.rounds)]
    elapsed, busy = (pd.DataFrame([{k: v[i] for k, v in one.items()} for one in rounds]) for i in (0, 1))
    ratios = elapsed.rdiv(elapsed["literal float32"], axis=0)
    columns = {
        "crops/s": len(crops) / elapsed.median(),
        "times literal": ratios.median(),
        "lowest": ratios.min(),
        "highest": ratios.max(),
        "CPU s/crop": busy.median() / len(crops),
        "CPU times literal": busy["literal float32"].median() / busy.median(),
    }
    print(pd.DataFrame(columns).round(2).to_string())
    hours = 16_000 / len(crops) * elapsed.median().min() / 3600
    print("AP on the sample's test people:", sample_average_precision(precisions).round(4).to_dict())
    print(f"16,000 crops would take {hours:.1f} hours on this machine")


if __name__ == "__main__":
    main()
