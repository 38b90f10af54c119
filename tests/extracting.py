"""Small extractions in processes of their own, which tests kill, watch, or run two at once."""

import multiprocessing
import os
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

import pandas as pd

from lib.features import FeatureStore, extract, profile_views
from lib.features.views import View
from lib.profiles import load_profile
from lib.vcoco import load_profile_people

# A fork of a process that has imported everything starts at once.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["extracting", "lib.clip_features", "lib.pose"])


def sample_people(count: int) -> pd.DataFrame:
    """Return the first people of the sample's val split."""
    people = load_profile_people(load_profile("sample"))
    return people[people["split"] == "val"].head(count)


def views_with(**settings) -> tuple[View, ...]:
    """Return the sample's views."""
    return profile_views(load_profile("sample"), **settings)


def run(folder: Path, count: int = 40, images_per_shard: int = 2, **options) -> pd.DataFrame:
    """Extract all views of the first people of the sample's val split into `folder`."""
    import torch

    torch.set_num_threads(1)
    sample = load_profile("sample")
    return extract(
        sample_people(count),
        sample.image_path,
        views_with(),
        FeatureStore(folder),
        images_per_shard=images_per_shard,
        **options,
    )


def start(folder: Path, **options) -> BaseProcess:
    """Start `run` in another process."""
    process = FORKS.Process(target=run, args=(folder,), kwargs=options)
    process.start()
    return process


def count_openings(folder: Path, count: int) -> dict[str, int]:
    """Run, and count how often each image was opened."""
    with FORKS.Pool(1) as pool:
        return pool.apply(_count_openings, (folder, count))


def _count_openings(folder: Path, count: int) -> dict[str, int]:
    opened: dict[str, int] = {}

    def note(event: str, arguments: tuple) -> None:
        if event == "open" and str(arguments[0]).endswith(".jpg"):
            name = os.path.basename(arguments[0])
            opened[name] = opened.get(name, 0) + 1

    sys.addaudithook(note)
    run(folder, count)
    return opened
