"""Checks of what comes into the models: features and labels of the same people."""

from typing import TypeAlias

import numpy as np
import pandas as pd

Table: TypeAlias = np.ndarray | pd.DataFrame


def check_features(features: Table, width: int, name: str = "features") -> np.ndarray:
    """Return features as (n, width) float32; ValueError where a number is missing or the width is another."""
    values = np.require(features, np.float32, ["C", "W"])  # PyTorch takes no read-only arrays
    if values.ndim != 2 or values.shape[1] != width:
        raise ValueError(f"{name}: expected shape (n, {width}), got {values.shape}")
    if people := int((~np.isfinite(values)).any(axis=1).sum()):
        raise ValueError(
            f"{name}: {people} of {len(values)} people have missing or infinite numbers; drop or fill them"
        )
    return values


def check_people(
    features: Table, labels: Table, width: int, verbs: int, name: str = "training"
) -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, width) float32 and labels (n, verbs) bool of at least one person.

    Two DataFrames must have the same index, in the same order. Raises ValueError otherwise.
    """
    tables = [table for table in (features, labels) if isinstance(table, pd.DataFrame)]
    if len(tables) == 2 and not tables[0].index.equals(tables[1].index):
        raise ValueError(f"{name}: features and labels are of other people, or in another order")
    numbers, truth = check_features(features, width, f"{name} features"), np.require(labels, None, ["C", "W"])
    if truth.dtype != bool:
        raise ValueError(f"{name} labels: expected booleans, got {truth.dtype}")
    if truth.shape != (len(numbers), verbs):
        raise ValueError(f"{name} labels: expected shape ({len(numbers)}, {verbs}), got {truth.shape}")
    if not len(numbers):
        raise ValueError(f"{name}: there are no people")
    return numbers, truth
