"""Stores of features that tests fill in their own process, read and compare."""

from pathlib import Path

import pandas as pd
from extracting import views_with

from lib.features import FeatureStore, extract
from lib.features.store import to_frame
from lib.profiles import load_profile

CLOSE = 1e-5
NAMES = ("clip_full", "clip_crop", "pose")
SAMPLE = load_profile("sample")


def run(people: pd.DataFrame, folder: Path, views=None, image_path=SAMPLE.image_path, **options):
    """Extract; `views` are the sample's three where none are given."""
    store = FeatureStore(folder)
    return extract(people, image_path, views_with() if views is None else views, store, **options)


def frames(folder: Path) -> dict[str, pd.DataFrame]:
    return {name: to_frame(FeatureStore(folder).read(name)) for name in NAMES}


def assert_same(ours: pd.DataFrame, expected: pd.DataFrame, tolerance: float = CLOSE) -> None:
    """Assert equal rows and columns, numbers up to a share of each row's largest, NaN in the same places."""
    assert list(ours.columns) == list(expected.columns)
    assert ours.index.equals(expected.index)
    assert (ours.isna() == expected.isna()).all(axis=None)
    size = expected.abs().max(axis="columns").clip(lower=1e-9)
    assert ((ours - expected).abs().max(axis="columns").fillna(0) <= tolerance * size).all()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}
