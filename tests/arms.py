"""A small experiment that tests run: people whose verbs follow from what the first of two arms sees."""

from dataclasses import replace

import numpy as np
import pandas as pd

from lib import experiments
from lib.profiles import load_profile

VERBS = ["hold", "run", "sit", "point"]
EPOCHS, SEEDS = 6, 3
SPLITS = {"train": 90, "val": 40, "test": 60}


def draw_people() -> pd.DataFrame:
    """Draw people, two an image, whose verbs follow from what the arm `strong` sees of them."""
    rng = np.random.default_rng(0)
    parts = []
    for start, (split, count) in zip((1000, 3000, 5000), SPLITS.items(), strict=True):
        index = pd.Index(start + rng.permutation(count), name="ann_id")
        seen = pd.DataFrame(rng.standard_normal((count, 8)), index).astype(np.float32)
        verbs = pd.DataFrame(seen.to_numpy()[:, :4] > [0, 0.4, 0.6, 0.9], index, VERBS)
        verbs.loc[~verbs.any(axis="columns"), "hold"] = True
        image = pd.Series(start + np.arange(count) // 2, index, name="image_id")
        parts.append(pd.concat([image, verbs, seen.add_prefix("f")], axis="columns").assign(split=split))
    return pd.concat(parts)


def draw_inputs(people: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return two arms; every tenth person has nothing in the arm `weak`."""
    strong = people[[f"f{i}" for i in range(8)]]
    weak = people[["f0", "f7"]].copy()
    weak[::10] = np.nan
    return {"strong": strong, "weak": weak}


def run(people, inputs, folder, **changed) -> experiments.Results:
    options = {"seeds": SEEDS, "epochs": EPOCHS} | changed
    return experiments.run_experiment(
        replace(load_profile("sample"), data=folder), "x", people, inputs, VERBS, **options
    )
