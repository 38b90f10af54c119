"""What notebook 08 costs at V-COCO's size, from cached features: each kind of network, and the rest."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from bench.fullsize import PEOPLE, draw_features, draw_inputs, draw_logits, draw_people, write_labels
from bench.machine import timed
from bench.table import Estimate, Outcome, Size
from bench.training import CLIP, SEEDS, WIDTH, draw_sets, estimate, run_ours, time_epoch
from lib import experiments
from lib.experiments import run_experiment
from lib.models import (
    ActionMLP,
    ConcatFusion,
    FiLM,
    GatedFusion,
    LateFusion,
    LinearProbe,
    SeededModule,
    match_hidden,
)
from lib.profiles import Profile
from lib.vcoco import VERBS

EPOCHS = 15  # the notebook's
OBJECTS = 480  # numbers of the true objects
FUSIONS = {
    "concatenated, MLP": partial(ConcatFusion, clip_features=CLIP, pose="mlp"),
    "concatenated, joints": partial(ConcatFusion, clip_features=CLIP, pose="joints"),
    "late, joints": partial(LateFusion, clip_features=CLIP, pose="joints"),
    "gated, joints": partial(GatedFusion, clip_features=CLIP, pose="joints"),
    "FiLM, joints": partial(FiLM, clip_features=CLIP, pose="joints"),
}
COMPARISONS = 10 + 5 + 7 + 3 + 4 + 5  # verdicts of studies 1, 2, 3, 4, 5 and 7
ARMS = 3 + 1 + 4 + 12 + 4 + 6 + 1 + 4 + 7  # of experiments 1, 2 and 4, and of those studies


def measure() -> Outcome:
    """Estimate each kind of network by its epoch, times epochs, seeds and arms; then what is not training."""
    people = draw_people()
    run_ours(draw_sets(1 / 8), 1, 1)  # the first training of a process loads what the others find loaded
    trained = estimate_training(people)
    with tempfile.TemporaryDirectory() as folder:
        profile = write_labels(people, Path(folder))
        others = estimate_others(people, profile)
        sizes = measure_sizes(people, profile)
    together = [np.array([one.each, one.busy])[:, :1] * one.count for one in others]
    totals = sum(np.array([one.each, one.busy]) * one.count for one in trained) + sum(together)
    whole = Estimate("notebook 08 in all", 1, "run", *totals.tolist())
    return Outcome(estimates=[*trained, *others, whole], sizes=sizes)


def estimate_training(people: pd.DataFrame) -> list[Estimate]:
    """Time an epoch of each kind of network that the notebook trains, and count its arms there."""
    scaled = draw_inputs(people, CLIP, "standard")
    hidden = {name: match_hidden(kind, ActionMLP(WIDTH)) for name, kind in FUSIONS.items()}
    kinds: dict[str, tuple[pd.DataFrame, type[SeededModule] | partial, float]] = {
        # CLIP, its unit length, the whole image; again on train and val for as many epochs at most
        "MLP on CLIP": (draw_inputs(people, CLIP), ActionMLP, 3 + 1 + PEOPLE["val"] / PEOPLE["train"]),
        "MLP on CLIP + pose in pixels": (draw_inputs(people, CLIP, "pixels"), ActionMLP, 2),
        # eight forms, the whole image, poses hidden, true poses
        "MLP on CLIP + pose": (scaled, ActionMLP, 8 + 1 + 1 + 1),
        "MLP on both views": (draw_inputs(people, 2 * CLIP), ActionMLP, 1),
        "MLP on both views + pose": (draw_inputs(people, 2 * CLIP, "standard"), ActionMLP, 1),
        "MLP on CLIP + objects": (draw_features(people, CLIP + OBJECTS), ActionMLP, 1),
        "MLP on CLIP + objects + pose": (draw_features(people, WIDTH + OBJECTS), ActionMLP, 1),
        **{name: (scaled, partial(kind, hidden=hidden[name]), 1) for name, kind in FUSIONS.items()},
        "linear probes": (draw_inputs(people, CLIP), LinearProbe, 2 * 3),
    }
    trained = [
        estimate(f"08, {name}", arms * SEEDS * EPOCHS, "epochs of a seed", time_epoch(people, table, network))
        for name, (table, network, arms) in kinds.items()
    ]
    fusions = [one for one in trained if one.what.removeprefix("08, ") in FUSIONS]
    slowest = max(fusions, key=lambda one: np.median(one.each))
    name = "08, the best fusion again: poses shuffled, true, saved (the slowest is taken)"
    return [*trained, Estimate(name, 3 * SEEDS * EPOCHS, slowest.unit, slowest.each, slowest.busy)]


def estimate_others(people: pd.DataFrame, profile: Profile) -> list[Estimate]:
    """Time once what is not training."""
    verbs, rng = list(VERBS), np.random.default_rng(0)
    test = people[people["split"] == "test"]
    arms = {f"arm {number}": draw_logits(people, SEEDS, number) for number in range(6)}
    results = experiments.results_from_logits(arms, people, verbs)
    references = {f"arm {number}": "arm 0" for number in range(1, 6)}
    features, prompts = (
        draw_features(people, CLIP),
        rng.standard_normal((len(verbs), CLIP)).astype(np.float32),
    )
    bins = experiments.score_bins(pd.Series(rng.random(len(people)), people.index), [0.3, 0.5, 0.7])
    runs = {
        "true poses": (1, lambda: experiments.true_poses(profile, people)),
        "true objects": (1, lambda: experiments.object_inputs(profile, people)),
        "verdicts, five arms": (
            COMPARISONS / 5,
            lambda: experiments.verdicts(results, test, verbs, references),
        ),
        "accuracy by pose score, six arms": (0.5, lambda: experiments.accuracy_by_group(results, test, bins)),
        "decoding rules": (1, lambda: experiments.decoding_table(results, people, verbs, "arm 0")),
        "cached neighbours, 56 settings": (
            1,
            lambda: experiments.tune_cache(features, prompts, people, verbs),
        ),
    }
    return [
        estimate(f"08, {name}", count, "times", np.array([timed(run)])) for name, (count, run) in runs.items()
    ]


def measure_sizes(people: pd.DataFrame, profile: Profile) -> list[Size]:
    """Say what results take on disk, by those of an arm of three seeds and two epochs, both protocols."""
    tables = {"CLIP": draw_inputs(people, CLIP)}
    run_experiment(profile, "size", people, tables, list(VERBS), seeds=SEEDS, epochs=2)
    taken = sum(file.stat().st_size for file in profile.results.glob("size_*"))
    return [Size("results of notebooks 03 to 08", f"{ARMS} arms × {taken:,} bytes", ARMS * taken)]
