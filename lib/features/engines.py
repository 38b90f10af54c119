"""Where shards are worked on: in this process, or by Ray Data on this machine or a cluster."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from types import ModuleType

import pandas as pd

from lib.features.shards import (
    Recipe,
    Shard,
    encode,
    load_encoders,
    prepare,
    read_and_prepare,
    read_images,
    save,
)
from lib.features.store import FeatureStore
from lib.profiles import DataError

READERS = 4  # threads that decode and resize; both release Python's lock


def run_local(shards: list[Shard], store: FeatureStore) -> Iterator[pd.DataFrame]:
    """Work on shards in this process, yielding `save`'s report of each.

    While the networks work on one shard, the next is read and prepared, and the last is written.
    """
    encoders = load_encoders(recipe for shard in shards for recipe in shard.recipes)
    with (
        ThreadPoolExecutor(READERS) as readers,
        ThreadPoolExecutor(1) as ahead,
        ThreadPoolExecutor(1) as writer,
    ):
        load = partial(read_and_prepare, encoders=encoders, each=readers.map)
        encoded = (encode(prepared, encoders) for prepared in one_ahead(ahead, load, shards))
        yield from one_ahead(writer, partial(save, store), encoded)


def one_ahead(pool: Executor, function: Callable, items: Iterable) -> Iterator:
    """Yield `function` of each item, in order, with the next one already under way in `pool`."""
    waiting = None
    for item in items:
        submitted = pool.submit(function, item)
        if waiting is not None:
            yield waiting.result()
        waiting = submitted
    if waiting is not None:
        yield waiting.result()


def run_ray(shards: list[Shard], store: FeatureStore, workers: int) -> Iterator[pd.DataFrame]:
    """Work on shards with Ray Data, yielding `save`'s report of each, in any order.

    Reading is a stage of its own, so a cluster reads on all its processors. `workers` processes hold the
    networks, each on a GPU where the views' device is one, else on one thread, as Ray has it. A Ray that is
    already connected is used as it is (`ray.init(address=...)` before); else one starts on this machine.
    Images and store must be reachable under the same paths from everywhere. Raises DataError where Ray is not
    installed.
    """
    try:
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # a token would be asked for even on loopback
        import ray
    except ImportError:
        raise DataError('engine="ray" needs Ray, which is not installed; run: make ray') from None
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield from _run_on_ray(ray, shards, store, workers)
    finally:
        if started_here:
            ray.shutdown()


def _run_on_ray(
    ray: ModuleType, shards: list[Shard], store: FeatureStore, workers: int
) -> Iterator[pd.DataFrame]:
    recipes = {recipe.work: recipe for shard in shards for recipe in shard.recipes}
    on_gpu = any(recipe.view.encoder.on_gpu for recipe in recipes.values())
    ray.data.DataContext.get_current().enable_progress_bars = False  # `extract` shows one
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # at INFO it tells every run's plan
    reports = (
        ray.data.from_items([{"shard": shard} for shard in shards], override_num_blocks=len(shards))
        .map(_read_on_ray, num_cpus=0.25)  # other than below, or Ray would make one stage of the two
        .map(
            _EncodeOnRay,
            fn_constructor_args=(list(recipes.values()), store),
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=0.5,  # on two processors, two whole ones would leave none for reading
            num_gpus=1 if on_gpu else 0,
        )
    )
    for row in reports.iter_rows():
        yield row["report"]


def _read_on_ray(row: dict) -> dict:
    return {"shard": row["shard"], "images": read_images(row["shard"])}


class _EncodeOnRay:
    """One worker process: reads the weights once, then prepares, encodes and writes shard after shard."""

    def __init__(self, recipes: list[Recipe], store: FeatureStore) -> None:
        self.encoders, self.store = load_encoders(recipes), store
        self.readers = ThreadPoolExecutor(READERS)

    def __call__(self, row: dict) -> dict:
        prepared = prepare(row["shard"], row["images"], self.encoders, self.readers.map)
        return {"report": save(self.store, encode(prepared, self.encoders))}
