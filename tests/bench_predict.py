"""Measure prediction on images: the sample's networks, and full-size ones with random weights.

    python tests/bench_predict.py [--threads 2] [--parts sample whole] [--precision float32]

sample  the sample's test images: people found, and people given
whole   the 20 real images beside the checkout at full size: the 35 labelled people given, and people found,
        of whom random weights find many; each in a process of its own, with its peak memory
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from bench_features import make_weights, peak_memory
from reference import shared_path
from test_features import real_persons

from lib.experiments import InputForm
from lib.features import profile_views
from lib.models import ActionMLP
from lib.prediction import ActionModel, ModelCard, label_boxes, predict_images
from lib.profiles import Profile, load_profile
from lib.vcoco import VERBS, load_profile_people


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--parts", nargs="+", default=["sample", "whole"])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # a part in a process of its own
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.one:
        return measure(*options.one, options.precision)
    with tempfile.TemporaryDirectory() as folder:
        for part in options.parts:
            for way in ("given", "found"):
                again = [sys.executable, __file__, "--one", f"{part}:{way}", folder]
                again += ["--threads", str(options.threads), "--precision", options.precision]
                subprocess.run(again, check=True)


def measure(what: str, folder: str, precision: str) -> None:
    """Predict once; print images and people a second and the peak memory."""
    part, way = what.split(":")
    if part == "sample":
        profile = load_profile("sample")
        people = load_profile_people(profile).query("split == 'test'")
        images = [profile.image_path("test", name) for name in people["file_name"].unique()]
    else:
        profile, people = make_weights(Path(folder)), real_persons(shared_path("vcoco"))
        images = sorted((shared_path("vcoco") / "images").glob("*.jpg"))
    model, before, began = untrained(profile), peak_memory(), time.perf_counter()
    boxes = label_boxes(people) if way == "given" else None
    output = Path(folder) / part / way
    results = predict_images(images, profile, model, output, boxes=boxes, precision=precision)
    seconds = time.perf_counter() - began
    count = sum(len(result.people) for result in results)
    print(
        f"{part}, {precision}, people {way}: {len(images)} images, {count} people in {seconds:.1f} s with "
        f"loading, {len(images) / seconds:.2f} images/s, {count / seconds:.2f} people/s, peak memory "
        f"{peak_memory():.2f} GB (before it {before:.2f} GB)",
        flush=True,
    )


def untrained(profile: Profile) -> ActionModel:
    """Return the thesis's CLIP + pose with three seeds, never trained: it takes as long as a trained one."""
    views = {view.name: view for view in profile_views(profile)}
    clip = views["clip_crop"].encoder.load()
    card = ModelCard(
        name="untrained",
        verbs=VERBS,
        inputs=InputForm(("clip_crop", "pose"), without_pose="zeros"),
        thresholds=dict.fromkeys(VERBS, 0.5),
        encoders={name: views[name].ingredients() for name in ("clip_crop", "pose")},
        trained_on={},
        accuracy={},
        protocol="none",
        limits="It knows nothing.",
        date="",
    )
    return ActionModel(card, ActionMLP(clip.dim + 51, n_seeds=3), Path())


if __name__ == "__main__":
    main()
