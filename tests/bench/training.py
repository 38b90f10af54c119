"""Training of the thesis's network at V-COCO's size, with drawn features."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from bench import literal_training
from bench.fullsize import PEOPLE, draw_inputs, draw_people
from bench.machine import alternate, bandwidth, forget_peak, matmul_rate, peak_memory, timed, walls
from bench.table import Estimate, Outcome, Row, Sample
from lib.experiments import train_arm
from lib.metrics import exact_match, partial_match
from lib.models import ActionMLP, FitResult, SeededModule, count_parameters, fit
from lib.vcoco import VERBS

CLIP, WIDTH, BATCH = 512, 563, 15
SEEDS, EPOCHS, ROUNDS = 3, 2, 3
THESIS_EPOCHS = 50
CONFIDENT = 765 / PEOPLE["train"]  # the share of the people on which experiment 4 trains

Sets = dict[str, tuple[np.ndarray, np.ndarray]]


def measure() -> Outcome:
    """Time a training of three seeds beside the thesis's procedure, one seed after the other."""
    sets = draw_sets()
    check()
    forget_peak()
    run_ours(sets, SEEDS, EPOCHS)
    memory = peak_memory()
    runs = {
        "ours": lambda: run_ours(sets, SEEDS, EPOCHS),
        "literal": lambda: [
            literal_training.train(sets["train"], sets["test"], EPOCHS, seed, BATCH) for seed in range(SEEDS)
        ],
    }
    times = alternate(runs, ROUNDS)
    row = Row(
        f"training, {SEEDS} seeds, {EPOCHS} epochs, val and test measured after each",
        "run",
        1,
        walls(times["ours"]),
        memory,
        "batch loop, top K per person, weights saved and read again, no val",
        walls(times["literal"]),
        "memory bandwidth, by what Adam reads and writes",
        1 / (SEEDS * EPOCHS * least_seconds()),
    )
    note = "Training is estimated at the thesis's settings, 50 epochs of batches of 15, with three seeds."
    return Outcome([row], experiments(), notes=[note])


def draw_sets(share: float = 1) -> Sets:
    """Draw CLIP's numbers and poses in pixels, and labels, by split."""
    people = draw_people(share)
    inputs = draw_inputs(people, CLIP, "pixels").to_numpy()
    labels, split = people[list(VERBS)].to_numpy(), people["split"].to_numpy()
    return {name: (inputs[split == name], labels[split == name]) for name in PEOPLE}


def run_ours(sets: Sets, seeds: int, epochs: int, device: str = "cpu") -> FitResult:
    """Train with all that the experiments keep: measures of val and test, best weights, a checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        return fit(
            ActionMLP(sets["train"][0].shape[1], seeds),
            *sets["train"],
            epochs=epochs,
            evaluate={name: sets[name] for name in ("val", "test")},
            metrics={"exact": exact_match, "partial": partial_match},
            keep_best=["val_exact", "test_exact"],
            device=device,
            checkpoint=Path(folder) / "state.pt",
        )


def check() -> None:
    """Assert equal accuracies after each epoch, with numbers that do not amplify rounding as pixels do."""
    sets = draw_sets(1 / 8)
    for features, _ in sets.values():
        features[:, CLIP:] = (features[:, CLIP:] - 250) / 100
    history = run_ours(sets, 1, 2).history
    theirs = literal_training.train(sets["train"], sets["test"], 2, 0, BATCH)
    np.testing.assert_allclose(history["test_exact"], theirs, atol=2 / len(sets["test"][1]))


def least_seconds() -> float:
    """Return the least seconds of a seed's epoch: Adam's traffic in training, arithmetic in measuring.

    A step reads and writes weights, gradients and two moments, and multiplies three times; the slower of the
    two bounds it. Measuring val, test and the people held out multiplies once.
    """
    numbers, rate = count_parameters(ActionMLP(WIDTH)), matmul_rate(torch.float32)
    learnt = round(0.95 * PEOPLE["train"])
    step = max(8 * 4 * numbers / bandwidth(), 3 * 2 * BATCH * numbers / rate)
    return -(-learnt // BATCH) * step + 2 * numbers * (sum(PEOPLE.values()) - learnt) / rate


def experiments() -> list[Estimate]:
    """Estimate experiments 1 to 4 by the time of an epoch of each width."""
    people = draw_people()
    clip = time_epoch(people, draw_inputs(people, CLIP))
    both = time_epoch(people, draw_inputs(people, CLIP, "pixels"))
    pose = time_epoch(people, draw_inputs(people, 0, "pixels"))
    # The protocol thesis trains an arm with people of its own once more: in experiment 1 CLIP alone.
    epochs = {
        "experiment 1": SEEDS * (clip + both + pose) + clip,
        "experiment 2": SEEDS * both,
        "experiment 4": 2 * SEEDS * CONFIDENT * (clip + both),
    }
    epochs["experiments 1 to 4"] = sum(epochs.values())
    return [estimate(name, THESIS_EPOCHS, "epochs of all arms", each) for name, each in epochs.items()]


def time_epoch(
    people: pd.DataFrame, table: pd.DataFrame, make_model: Callable[..., SeededModule] = ActionMLP
) -> np.ndarray:
    """Return the seconds of an epoch of one seed, twice, (2, 2): wall and processor, measuring included."""

    def train() -> None:
        train_arm(people, table, list(VERBS), seeds=1, epochs=EPOCHS, make_model=make_model)

    return np.array([timed(train) for _ in range(2)]) / EPOCHS


def estimate(what: str, count: float, unit: str, each: np.ndarray) -> Estimate:
    """Put measured seconds, (rounds, 2), into an estimate."""
    return Estimate(what, count, unit, *each.T.tolist())


def at_scale(scale: int) -> Sample:
    """Train one seed on so many eighths of V-COCO's people, and measure on as many."""
    sets = draw_sets(scale / 8)
    forget_peak()
    seconds = timed(lambda: run_ours(sets, 1, 4)).wall
    return Sample(
        "training, one seed, 4 epochs",
        sum(len(labels) for _, labels in sets.values()),
        seconds,
        peak_memory(),
    )
