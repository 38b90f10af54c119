"""Measure what notebook 08's studies cost beside training, at V-COCO's size.

    python tests/bench_studies.py [FOLDER]

FOLDER holds V-COCO's labels and boxes (../shared/vcoco unless given), from which annotation files of COCO's
size are made; CLIP's features and the arms' logits are drawn.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from bench_loading import make_full_size

from lib import experiments
from lib.coco import KEYPOINTS
from lib.profiles import ROOT, Profile, load_profile
from lib.vcoco import VERBS, load_people

SEEDS, ARMS, DIM = 5, 6, 512


def make_profile(folder: Path, temporary: Path) -> Profile:
    """Write full-size annotation files; train and val share them, as V-COCO's do."""
    instances = make_full_size(folder / "instances_vcoco_all_2014.json", temporary)
    content, rng = json.loads(instances.read_text()), np.random.default_rng(0)
    content["annotations"] = [entry for entry in content["annotations"] if entry["category_id"] == 1]
    for entry in content["annotations"]:
        points = np.column_stack(
            [rng.integers(0, 400, (len(KEYPOINTS), 2)), rng.integers(0, 3, len(KEYPOINTS))]
        )
        entry |= {"keypoints": points.ravel().tolist(), "num_keypoints": 17}
    keypoints = temporary / "person_keypoints.json"
    keypoints.write_text(json.dumps(content))
    again = [Path(f"{path}.test") for path in (instances, keypoints)]
    for path, copy in zip((instances, keypoints), again, strict=True):
        copy.hardlink_to(path)
    real = load_profile("vcoco")
    first = {"instances_json": (instances,), "person_keypoints_json": (keypoints,)}
    second = {"instances_json": (again[0],), "person_keypoints_json": (again[1],)}
    splits = {
        split: replace(files, **(second if split == "test" else first))
        for split, files in real.splits.items()
    }
    return replace(real, splits=splits)


def load_everybody(folder: Path) -> pd.DataFrame:
    """Load train and test, and train's people once more, with other ids, in place of val's."""
    boxes = folder / "instances_vcoco_all_2014.json"
    train, test = (load_people(folder / f"vcoco_{split}.json", boxes) for split in ("train", "test"))
    val = train.set_index(train.index + 500_000_000)
    parts = {"train": train, "val": val, "test": test}
    return pd.concat([part.assign(split=split) for split, part in parts.items()])


def draw_logits(people: pd.DataFrame, seeds: int, first: int) -> pd.DataFrame:
    """Draw logits that get about as many people right as CLIP does."""
    measured = people[people["split"] != "train"]
    parts = {}
    for seed in range(seeds):
        noise = np.random.default_rng([first, seed]).standard_normal((len(measured), len(VERBS)))
        logits = 4 * measured[list(VERBS)].to_numpy() - 2.5 + 1.2 * noise
        parts[seed] = pd.DataFrame(logits.astype(np.float32), measured.index, VERBS)
    return pd.concat(parts, names=["seed"])


def measure(name: str, run: Callable[[], object]) -> object:
    """Run, and print the seconds, and the processor's seconds, which other users disturb less."""
    started = time.perf_counter(), time.process_time()
    result = run()
    seconds, busy = time.perf_counter() - started[0], time.process_time() - started[1]
    print(f"{name:50} {seconds:6.1f} s, busy {busy:6.1f} s", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared/vcoco")
    folder = parser.parse_args().folder
    people, verbs, rng = load_everybody(folder), list(VERBS), np.random.default_rng(0)
    test = people[people["split"] == "test"]
    print(f"{len(people):,} people, {len(test):,} of test, {ARMS} arms of {SEEDS} seeds")
    with tempfile.TemporaryDirectory() as temporary:
        profile = make_profile(folder, Path(temporary))
        poses = measure("5 true poses", lambda: experiments.true_poses(profile, people))
        objects = measure("5 true objects", lambda: experiments.object_inputs(profile, people))
    print(experiments.count_oracle_inputs(people, poses, objects).to_string(), objects.shape)

    arms = {f"arm {number}": draw_logits(people, SEEDS, number) for number in range(ARMS)}
    results = measure("results from logits", lambda: experiments.results_from_logits(arms, people, verbs))
    table = measure(
        "6 decoding rules, one arm", lambda: experiments.decoding_table(results, people, verbs, "arm 0")
    )
    print(table.round(2).T.to_string())
    features = pd.DataFrame(rng.standard_normal((len(people), DIM)).astype(np.float32), people.index)
    prompts = rng.standard_normal((len(verbs), DIM)).astype(np.float32)
    measure("7 zero-shot", lambda: experiments.zero_shot(features, prompts, verbs))
    measure(
        "7 neighbours, 56 pairs of alpha and beta on val",
        lambda: experiments.tune_cache(features, prompts, people, verbs),
    )
    for cached in (["train"], ["train", "val"]):
        measure(
            f"7 neighbours, {' + '.join(cached)} cached",
            lambda cached=cached: experiments.cache_logits(
                features, prompts, people, verbs, alpha=1.0, beta=20.0, cached=cached
            ),
        )
    measure("verdicts", lambda: experiments.verdicts(results, test, verbs, {"arm 1": "arm 0"}))
    bins = experiments.score_bins(pd.Series(rng.random(len(people)), people.index), [0.2, 0.35, 0.5])
    measure("4 accuracy by pose score", lambda: experiments.accuracy_by_group(results, test, bins))


if __name__ == "__main__":
    main()
