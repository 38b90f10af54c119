"""Measure `fit` against the literal procedure of the thesis, with synthetic features of V-COCO's dimensions.

    python tests/bench_training.py [--epochs 3] [--seeds 1 5] [--rounds 2] [--threads 2] [--device cpu]

Both sides train on 3,896 people, less the 5 % held out, batch 15, and measure the 7,674 people of test after
every epoch; ours measures the 4,463 of val besides. The literal side, once per seed: a DataLoader, one person
at a time for the scores, weights saved after every epoch and loaded again to be tested. Both sides have the
same number of epochs, and alternate, because the machine may be shared.
"""

import argparse
import contextlib
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

from lib.models import ActionMLP, fit

PEOPLE = {"train": 3896, "val": 4463, "test": 7674}
WIDTH, VERBS, VERBS_A_PERSON, BATCH = 563, 26, 2.9, 15


def draw_people(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw features of CLIP's and raw pixels' size, and labels of at least one verb, that depend on them."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((count, WIDTH)).astype(np.float32)
    scores = features @ np.random.default_rng(9).standard_normal((WIDTH, VERBS)).astype(np.float32)
    labels = scores > np.quantile(scores, 1 - VERBS_A_PERSON / VERBS)
    labels[np.arange(count), scores.argmax(axis=1)] = True
    features[:, 512:] = 250 + 100 * features[:, 512:]
    return features, labels


# --- The literal side


def build_literal() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(WIDTH, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, VERBS)
    )


def score_persons(logits: torch.Tensor, labels: torch.Tensor) -> tuple[float, int]:
    """Return the sum of the partial scores and the number of exact matches, one person at a time."""
    partial, exact = 0.0, 0
    for row, truth in zip(logits, labels, strict=True):
        count = int(truth.sum())
        predicted = set(torch.topk(row, count).indices.tolist())
        true = set(torch.nonzero(truth).flatten().tolist())
        partial += len(predicted & true) / count
        exact += predicted == true
    return partial, exact


def measure_literal(model: nn.Module, loader: DataLoader, device: str) -> tuple[float, float]:
    people, partial, exact = 0, 0.0, 0
    with torch.no_grad():
        for features, labels in loader:
            found = score_persons(model(features.to(device)).cpu(), labels)
            partial, exact, people = partial + found[0], exact + found[1], people + len(labels)
    return partial / people, exact / people


def run_literal(sets: dict, epochs: int, seed: int, device: str) -> list[float]:
    """Train one seed as the thesis does; return the exact match on test after each epoch."""
    torch.manual_seed(seed)
    data = {name: TensorDataset(*map(torch.from_numpy, pair)) for name, pair in sets.items()}
    learnt, held_out = random_split(data["train"], [0.95, 0.05])
    loaders = [DataLoader(part, BATCH, shuffle=True) for part in (learnt, held_out)]
    model = build_literal().to(device)
    optimiser, criterion = torch.optim.Adam(model.parameters(), lr=1e-4), nn.BCEWithLogitsLoss()
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(epochs):
            partial = 0.0
            for features, labels in loaders[0]:
                optimiser.zero_grad()
                logits = model(features.to(device))
                criterion(logits, labels.float().to(device)).backward()
                optimiser.step()
                partial += score_persons(logits.detach().cpu(), labels)[0]
            print(epoch, partial / len(learnt), measure_literal(model, loaders[1], device))
            torch.save(model.state_dict(), f"{folder}/{epoch}.pth")
        return [load_and_test(f"{folder}/{epoch}.pth", data["test"], device) for epoch in range(epochs)]


def load_and_test(file: str, test: TensorDataset, device: str) -> float:
    model = build_literal().to(device)
    model.load_state_dict(torch.load(file, weights_only=True))
    return measure_literal(model, DataLoader(test, BATCH), device)[1]


# --- Our side


def matches(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many of each person's K largest logits are true verbs."""
    order = np.argsort(-logits, axis=1)
    among = np.arange(labels.shape[1]) < labels.sum(axis=1, keepdims=True)
    return (np.take_along_axis(labels, order, axis=1) & among).sum(axis=1)


def run_ours(sets: dict, epochs: int, n_seeds: int, device: str) -> pd.DataFrame:
    metrics = {
        "exact": lambda logits, labels: matches(logits, labels) == labels.sum(axis=1),
        "partial": lambda logits, labels: matches(logits, labels) / labels.sum(axis=1),
    }
    evaluate = {name: sets[name] for name in ("val", "test")}
    with tempfile.TemporaryDirectory() as folder:
        return fit(
            ActionMLP(WIDTH, n_seeds),
            *sets["train"],
            epochs=epochs,
            evaluate=evaluate,
            metrics=metrics,
            keep_best=["val_exact", "test_exact"],
            device=device,
            checkpoint=Path(folder) / "state.pt",
        ).history


# --- What the machine can do


def measure_bandwidth(floats: int = 2**26) -> float:
    """Return the bytes per second of STREAM's triad, a = b + 2 c, on arrays of 268 MB."""
    a, b, c = (torch.ones(floats) for _ in range(3))
    return 12 * floats / min(measure(lambda: torch.add(b, c, alpha=2, out=a))[0] for _ in range(5))


def adam_bytes() -> int:
    """Return the bytes that a step moves at least: reads and writes of weights, gradients, two moments."""
    return 8 * 4 * sum(values.numel() for values in build_literal().parameters())


def measure(run: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a call takes, and the processor's seconds, which other users disturb less."""
    started = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - started[0], time.process_time() - started[1]


def quietly(run: Callable[[], object]) -> Callable[[], None]:
    def wrapped() -> None:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            run()

    return wrapped


def peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def compare(sets: dict, n_seeds: int, options: argparse.Namespace) -> dict[str, float]:
    """Return both sides' seconds for so many seeds, their ratio's median and range, and the processor's."""
    epochs, device = options.epochs, options.device

    def literal() -> None:
        for seed in range(n_seeds):
            run_literal(sets, epochs, seed, device)

    def ours() -> None:
        run_ours(sets, epochs, n_seeds, device)

    rounds = np.array([[*measure(quietly(literal)), *measure(ours)] for _ in range(options.rounds)])
    ratios = rounds[:, 0] / rounds[:, 2]
    literal_seconds, literal_busy, our_seconds, our_busy = np.median(rounds, axis=0)
    return {
        "seeds": n_seeds,
        "literal s": literal_seconds,
        "ours s": our_seconds,
        "ratio": np.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "ratio of CPU s": literal_busy / our_busy,
        "ours s, 50 epochs": our_seconds * 50 / epochs,
    }


def main() -> None:
    """Print the table of seconds and ratios, the memory, and how near a step is to the memory's bound."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=3, help="of both sides; the thesis has 50")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    sets = {name: draw_people(count, seed) for seed, (name, count) in enumerate(PEOPLE.items())}
    rate = sets["train"][1].sum(axis=1).mean()
    print(f"{options.epochs} epochs on both sides, {options.threads} threads, {options.device},", end=" ")
    print(f"{rate:.1f} verbs a person; load of the machine before: {os.getloadavg()[0]:.1f}\n")
    run_ours(sets, 1, 1, options.device)  # imports and memory of the first call
    run_ours(sets, 1, 10, options.device)
    print(f"peak memory of ours, 10 seeds: {peak_memory():.2f} GB\n")
    rows = (pd.DataFrame([compare(sets, n_seeds, options)]) for n_seeds in options.seeds)
    for number, row in enumerate(rows):  # printed as they come: five seeds take minutes
        lines = row.to_markdown(index=False, floatfmt=".2f").splitlines()
        print("\n".join(lines[2:] if number else lines), flush=True)
    print()

    steps = options.epochs * -(-round(PEOPLE["train"] * 0.95) // BATCH)
    model = ActionMLP(WIDTH)
    train = {"epochs": options.epochs, "device": options.device}
    step = measure(lambda: fit(model, *sets["train"], **train))[0] / steps
    print(
        f"one step of one seed: {step * 1e3:.2f} ms; it moves at least {adam_bytes() / 1e6:.0f} MB", end=" "
    )
    if options.device == "cpu":
        bandwidth = measure_bandwidth()
        share = adam_bytes() / bandwidth / step
        print(f"(triad: {bandwidth / 1e9:.1f} GB/s): {share:.0%} of the memory's bound", end="")
    print(f"\nload of the machine after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
