"""Bring stored features up to date with people: what is good is kept, the rest is computed in shards."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from lib.coco import BOX
from lib.features.engines import run_local, run_ray
from lib.features.shards import Recipe, Shard, cut_into_shards, find_failure, read_or_reason
from lib.features.store import FAILURE, IDENTITY, FeatureStore, made_of
from lib.features.views import View
from lib.profiles import DataError

IMAGES_PER_SHARD = 64  # what a kill may cost: with HigherHRNet-W32 on two cores a minute and a half


@dataclass(frozen=True)
class Plan:
    """What there is to do for one view: its stored table, if that is still good, and the people it lacks."""

    recipe: Recipe
    stored: pa.Table | None
    lacking: dict[str, pd.DataFrame]  # by shard key


def extract(
    people: pd.DataFrame,
    image_path: Callable[[str, str], Path],
    views: Sequence[View],
    store: FeatureStore,
    *,
    engine: str = "local",
    workers: int = 1,
    images_per_shard: int = IMAGES_PER_SHARD,
) -> pd.DataFrame:
    """Bring the store's table of every view up to these people, and report what that took.

    people      indexed by `ann_id`: `split`, `image_id`, `file_name` and the box
    image_path  where the image of a split and file name is; `Profile.image_path`
    engine      `local`, this process; `ray`, `workers` processes, each with a GPU where the device is one

    A row is kept as long as the view's ingredients, the box and the image's size in bytes are the same; rows
    of other people stay. People whose image cannot be read get a row without features, with the reason; each
    run tries them again. Another run on the same local store is waited for.

    Returns, per view, `people`, `computed`, `failed`, `seconds` of its network and the `rate`, people a
    second. Raises DataError where weights or store cannot be used, or where no image at all can be read.
    """
    _check(people, views, engine)
    people = locate(people, image_path)
    with _alone(store):
        plans = [make_plan(view, people, store, images_per_shard) for view in views]
        taken = _run(plans, store, engine, workers)
        tables = [_merge(plan, store) for plan in plans]
    return _report(plans, tables, taken, people)


def _check(people: pd.DataFrame, views: Sequence[View], engine: str) -> None:
    if engine not in ("local", "ray"):
        raise ValueError(f"engine is 'local' or 'ray', got {engine!r}")
    if not people.index.is_unique:
        raise ValueError("people: the index, ann_id, has duplicates")
    names = [view.name for view in views]
    if len(set(names)) < len(names):
        raise ValueError(f"views: each needs a name of its own, got {names}")
    numbered = [
        view.encoder.device for view in views if view.encoder.on_gpu and view.encoder.device != "cuda"
    ]
    if engine == "ray" and numbered:
        raise DataError(
            f'DEVICE is "{numbered[0]}", but engine="ray" gives each process its own GPU; choose "cuda".'
        )


def locate(people: pd.DataFrame, image_path: Callable[[str, str], Path]) -> pd.DataFrame:
    """Return `IDENTITY` and `path` of people; `image_bytes` is -1 where there is no image."""
    keys = list(zip(people["split"], people["file_name"], strict=True))
    paths = {key: Path(image_path(*key)).resolve() for key in dict.fromkeys(keys)}
    sizes = {key: path.stat().st_size if path.is_file() else -1 for key, path in paths.items()}
    located = people[["image_id", "split", "file_name", *BOX]].assign(
        image_bytes=[sizes[key] for key in keys], path=[str(paths[key]) for key in keys]
    )
    return located[[*IDENTITY, "path"]].astype(dict.fromkeys(BOX, float))


def make_plan(view: View, people: pd.DataFrame, store: FeatureStore, images_per_shard: int) -> Plan:
    """Compare the store with what is asked for: with any other ingredient nothing stored is good."""
    recipe = Recipe(view, view.ingredients())
    stored = store.read(view.name)
    if stored is None or made_of(stored) != recipe.ingredients:
        return Plan(recipe, None, cut_into_shards(people, images_per_shard))
    rows = stored.select(["ann_id", *IDENTITY, FAILURE]).to_pandas().set_index("ann_id").reindex(people.index)
    same = (rows[IDENTITY] == people[IDENTITY]).all(axis="columns")
    lacking = people[~same | people.index.isin(_repaired(people, rows.loc[same, FAILURE]))]
    return Plan(recipe, stored, cut_into_shards(lacking, images_per_shard))


def _repaired(people: pd.DataFrame, failures: pd.Series) -> list[int]:
    """Return the `ann_id` of those who failed for a reason that is no longer the same."""
    return [ann_id for ann_id, reason in failures.dropna().items() if _failure(people.loc[ann_id]) != reason]


def _failure(person: pd.Series) -> str | None:
    return find_failure(read_or_reason(person["path"]), person["path"], person[BOX].to_numpy(float))


def _is_finished(plan: Plan, key: str, store: FeatureStore) -> bool:
    """Say whether a shard that is there can stay: whoever failed in it would fail again."""
    failures = store.read_shard(plan.recipe.work, key).select(["ann_id", FAILURE]).to_pandas()
    return not _repaired(plan.lacking[key], failures.set_index("ann_id")[FAILURE])


def _run(plans: list[Plan], store: FeatureStore, engine: str, workers: int) -> pd.DataFrame:
    """Compute the shards that are not there yet; return the reports: `view`, `seconds`, `people`."""
    parts: dict[str, pd.DataFrame] = {}
    recipes: dict[str, list[Recipe]] = {}
    for plan in plans:
        there = store.shards(plan.recipe.work) & plan.lacking.keys()
        finished = {key for key in there if _is_finished(plan, key, store)}
        for key in plan.lacking.keys() - finished:
            parts[key] = plan.lacking[key]
            recipes.setdefault(key, []).append(plan.recipe)
    shards = [Shard(key, parts[key], tuple(recipes[key])) for key in sorted(parts)]
    for work in {recipe.work for shard in shards for recipe in shard.recipes}:
        store.make_folder(work)
    if not shards:
        return pd.DataFrame({"view": [], "seconds": [], "people": []})
    asked = {key: part for plan in plans for key, part in plan.lacking.items()}
    total = sum(map(len, asked.values()))
    reports = run_ray(shards, store, workers) if engine == "ray" else run_local(shards, store)
    collected = []
    left = sum(len(shard.people) for shard in shards)
    with tqdm(total=total, initial=total - left, desc="features", unit="person") as bar:
        for report in reports:
            collected.append(report)
            bar.update(int(report["people"].iloc[0]))
    return pd.concat(collected)


def _merge(plan: Plan, store: FeatureStore) -> pa.Table:
    """Put the stored rows that are still good and the finished shards together; write where that is new."""
    name = plan.recipe.view.name
    if not plan.lacking and plan.stored is not None:
        return plan.stored
    tables = [store.read_shard(plan.recipe.work, key) for key in plan.lacking]
    if all(table[FAILURE].null_count == 0 for table in tables) and plan.stored is None:
        reason = tables[0][FAILURE][0].as_py() if tables else "there are no people"
        raise DataError(f"{store.path(name)}: not written, as no person has an image: {reason}")
    new = pa.concat_tables(tables)
    if plan.stored is not None:
        others = ~np.isin(plan.stored["ann_id"].to_numpy(), new["ann_id"].to_numpy())
        new = pa.concat_tables([plan.stored.filter(pa.array(others)), new])
    store.write(name, new)
    return new


@contextmanager
def _alone(store: FeatureStore) -> Iterator[None]:
    """Hold the store's lock, which the system frees when a process dies; other file systems have none."""
    if not store.is_local:
        yield
        return
    store.make_folder("")
    lock = FileLock(f"{store.root}/work/.lock")
    try:
        lock.acquire(timeout=0.2)
    except Timeout:
        tqdm.write(f"Another run is extracting features into {store.root}; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _report(
    plans: list[Plan], tables: list[pa.Table], taken: pd.DataFrame, people: pd.DataFrame
) -> pd.DataFrame:
    rows = {}
    for plan, table in zip(plans, tables, strict=True):
        mine = taken[taken["view"] == plan.recipe.view.name]
        asked = np.isin(table["ann_id"].to_numpy(), people.index)
        failed = np.array([reason is not None for reason in table[FAILURE].to_pylist()], dtype=bool)
        computed, seconds = int(mine["people"].sum()), float(mine["seconds"].sum())
        rows[plan.recipe.view.name] = {
            "people": len(people),
            "computed": computed,
            "failed": int((asked & failed).sum()),
            "seconds": seconds,
            "rate": computed / seconds if seconds else float("nan"),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("view")
