"""People drawn for the studies' tests: features that know their verbs, and logits of arms of chosen skill."""

import numpy as np
import pandas as pd

VERBS = ["hold", "run", "sit", "point"]
SPLITS = {"train": 120, "val": 60, "test": 80}
WIDTH = 6


def draw_people(seed: int = 0, splits: dict[str, int] = SPLITS) -> pd.DataFrame:
    """Draw people, two an image, in an order that is not that of their ids, with one verb or more each."""
    rng = np.random.default_rng(seed)
    split = np.repeat(list(splits), list(splits.values()))
    index = pd.Index(1000 + 7 * rng.permutation(len(split)), name="ann_id")
    labels = rng.random((len(split), len(VERBS))) < [0.6, 0.4, 0.3, 0.1]
    labels[~labels.any(axis=1), 0] = True
    people = pd.DataFrame(labels, index, VERBS).assign(split=split, image_id=np.arange(len(split)) // 2)
    return people[["split", "image_id", *VERBS]]


def draw_features(people: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Draw features that depend on the verbs."""
    rng = np.random.default_rng(seed)
    axes = rng.standard_normal((len(VERBS), WIDTH))
    noise = 0.7 * rng.standard_normal((len(people), WIDTH))
    return pd.DataFrame(people[VERBS].to_numpy() @ axes + noise, people.index).astype(np.float32)


def draw_logits(people: pd.DataFrame, skill: float, seeds: int = 2, first: int = 0) -> pd.DataFrame:
    """Draw logits of val's and test's people, by seed and `ann_id`: the larger `skill`, the better."""
    measured = people[people["split"] != "train"]
    parts = {}
    for seed in range(seeds):
        noise = np.random.default_rng([first, seed]).standard_normal((len(measured), len(VERBS)))
        logits = skill * (2 * measured[VERBS].to_numpy() - 1) + noise - 0.4
        parts[seed] = pd.DataFrame(logits.astype(np.float32), measured.index, VERBS)
    return pd.concat(parts, names=["seed"])
