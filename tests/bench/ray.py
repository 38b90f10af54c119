"""engine="ray" with two workers beside one, once they have started: full-size CLIP on the sample's people."""

import tempfile
import time
from pathlib import Path

from bench.encoders import cut_crops, load_persons, make_weights
from bench.machine import peak_memory
from bench.table import Outcome, Row
from lib.features import FeatureStore, profile_views
from lib.features.engines import run_ray
from lib.features.extraction import locate
from lib.features.shards import Recipe, Shard, cut_into_shards
from lib.profiles import Profile
from lib.vcoco import load_profile_people


def measure() -> Outcome:
    """Time the people between each worker's first shard and the last one."""
    with tempfile.TemporaryDirectory() as folder:
        profile = make_weights(Path(folder), cut_crops(*load_persons(1)))
        found = {workers: run(profile, Path(folder), workers) for workers in (1, 2)}
    (start, one, alone), (_, two, seconds) = found.values()
    ratio = two / seconds / (one / alone)
    note = f"Ray: {ratio:.2f} times the people a second of one worker; the start took {start:.0f} s."
    rows = [
        Row(f"Ray, {workers} workers, CLIP", "people", done, [taken], peak_memory())
        for workers, (_, done, taken) in found.items()
    ]
    return Outcome(rows, notes=[note])


def run(profile: Profile, folder: Path, workers: int) -> tuple[float, int, float]:
    """Return the seconds until the first shard, and the people and seconds after all workers had one."""
    people = locate(load_profile_people(profile), profile.image_path)
    recipes = tuple(Recipe(view, view.ingredients()) for view in profile_views(profile)[:2])
    shards = [Shard(key, part, recipes) for key, part in cut_into_shards(people, 16).items()]
    began, ends, done = time.perf_counter(), [], []
    for report in run_ray(shards, FeatureStore(folder / f"ray-{workers}"), workers):
        ends.append(time.perf_counter())
        done.append(int(report["people"].iloc[0]))
    return ends[0] - began, sum(done[workers + 1 :]), ends[-1] - ends[workers]
