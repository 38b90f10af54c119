"""The unit of work: a shard is some images with all their people, from files to finished tables."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.coco import BOX
from lib.crops import grow_box, read_image
from lib.features.store import FAILURE, IDENTITY, FeatureStore, fingerprint, to_arrow
from lib.features.views import EncoderSettings, View

Encoders = dict[EncoderSettings, Any]  # networks by their settings


@dataclass(frozen=True)
class Recipe:
    """A view, with the ingredients that it had when the run began."""

    view: View
    ingredients: dict[str, object]

    @property
    def work(self) -> str:
        """The name under which the store keeps its shards."""
        return f"{self.view.name}-{fingerprint(self.ingredients)}"


@dataclass(frozen=True)
class Shard:
    """Some people, images complete, and what is to be computed of them.

    `people` is indexed by `ann_id` and has `IDENTITY` and `path`, the image's. `key` changes with any of it.
    """

    key: str
    people: pd.DataFrame
    recipes: tuple[Recipe, ...]


@dataclass(frozen=True)
class Prepared:
    """A shard whose images have become inputs of networks: a list per recipe, of those that did not fail."""

    shard: Shard
    failures: list[str | None]  # per person
    inputs: tuple[list, ...]


@dataclass(frozen=True)
class Encoded:
    """A shard's finished tables, one per recipe, and the seconds that each network took."""

    shard: Shard
    tables: tuple[pa.Table, ...]
    seconds: tuple[float, ...]


def cut_into_shards(people: pd.DataFrame, images_per_shard: int) -> dict[str, pd.DataFrame]:
    """Cut people into shards of so many images, in the images' order."""
    people = people.sort_values(["split", "file_name"], kind="stable")
    images = people.groupby(["split", "file_name"], sort=False).ngroup()
    shards = {}
    for number, part in people.groupby(images // images_per_shard):
        shards[f"{number:06}-{fingerprint(part[IDENTITY].reset_index().to_numpy().tolist())}"] = part
    return shards


def load_encoders(recipes: Iterable[Recipe]) -> Encoders:
    """Read the weights of every encoder that the recipes need, once each, by its settings."""
    return {settings: settings.load() for settings in {recipe.view.encoder for recipe in recipes}}


def read_images(shard: Shard) -> dict[str, np.ndarray | str]:
    """Read a shard's images once: path -> RGB pixels, or the reason why there are none."""
    return {path: read_or_reason(path) for path in shard.people["path"].unique()}


def read_or_reason(path: str) -> np.ndarray | str:
    """Return an image's pixels, or in words why it cannot be read."""
    try:
        return read_image(Path(path))
    except (ValueError, OSError) as error:
        return str(error)


def find_failure(image: np.ndarray | str, path: str, box: np.ndarray) -> str | None:
    """Return why a person in this box can have no features, or None."""
    if isinstance(image, str):
        return image
    try:
        grow_box(box, image.shape[1], image.shape[0])
    except ValueError as error:
        return f"{path}: {error}"
    return None


def read_and_prepare(shard: Shard, encoders: Encoders, each: Callable = map) -> Prepared:
    """Turn a shard's image files into inputs of networks, image by image, so that few are in memory at once.

    `each` is `map`, or that of an executor.
    """
    return _prepare(shard, read_or_reason, encoders, each)


def prepare(
    shard: Shard, images: dict[str, np.ndarray | str], encoders: Encoders, each: Callable = map
) -> Prepared:
    """Turn images that are read into inputs of networks."""
    return _prepare(shard, images.__getitem__, encoders, each)


def _prepare(
    shard: Shard, read: Callable[[str], np.ndarray | str], encoders: Encoders, each: Callable
) -> Prepared:
    views = [recipe.view for recipe in shard.recipes]
    images = list(shard.people.reset_index(drop=True).groupby("path", sort=False)[BOX])

    def prepare_one(image: tuple[str, pd.DataFrame]) -> list[str | tuple]:
        path, boxes = image
        return _prepare_image(path, read(path), boxes.to_numpy(), views, encoders)

    people: dict[int, str | tuple] = {}  # by position in the shard
    for (_, boxes), theirs in zip(images, each(prepare_one, images), strict=True):
        people.update(zip(boxes.index, theirs, strict=True))
    in_order = [people[row] for row in range(len(people))]
    failures = [one if isinstance(one, str) else None for one in in_order]
    good = [one for one in in_order if not isinstance(one, str)]
    return Prepared(shard, failures, tuple([inputs[i] for inputs in good] for i in range(len(views))))


def _prepare_image(
    path: str, image: np.ndarray | str, boxes: np.ndarray, views: list[View], encoders: Encoders
) -> list[str | tuple]:
    """Return of each person in an image the input of every view, or why there can be none."""
    failures = [find_failure(image, path, box) for box in boxes]
    good = boxes[[failure is None for failure in failures]]
    inputs = zip(*(_inputs(view, encoders[view.encoder], image, good) for view in views), strict=True)
    return [next(inputs) if failure is None else failure for failure in failures]


def _inputs(view: View, encoder: object, image: Any, boxes: np.ndarray) -> list:
    """Return the input of each box; a view of the whole image has one for all."""
    different = boxes[:1] if view.per_image else boxes
    made = [view.prepare(encoder, image, box) for box in different]
    return made * len(boxes) if view.per_image else made


def encode(prepared: Prepared, encoders: Encoders) -> Encoded:
    """Run the networks; people who failed get a row of NaN, with the reason."""
    people = prepared.shard.people.assign(**{FAILURE: prepared.failures})
    good = np.flatnonzero([failure is None for failure in prepared.failures])
    tables, seconds = [], []
    for recipe, inputs in zip(prepared.shard.recipes, prepared.inputs, strict=True):
        began = time.perf_counter()
        features = _encode_each_once(recipe.view, encoders[recipe.view.encoder], inputs)
        seconds.append(time.perf_counter() - began)
        features = features.set_axis(good).reindex(range(len(people)))
        groups = recipe.view.groups(features.columns)
        tables.append(to_arrow(people, features, groups, recipe.ingredients))
    return Encoded(prepared.shard, tuple(tables), tuple(seconds))


def _encode_each_once(view: View, encoder: object, inputs: list) -> pd.DataFrame:
    """Encode inputs, those that are the same object once."""
    distinct = list({id(one): one for one in inputs}.values())
    row_of = {id(one): row for row, one in enumerate(distinct)}
    return view.encode(encoder, distinct).iloc[[row_of[id(one)] for one in inputs]]


def save(store: FeatureStore, encoded: Encoded) -> pd.DataFrame:
    """Write a shard's tables; return one row per view: `view`, `seconds`, `people`."""
    for recipe, table in zip(encoded.shard.recipes, encoded.tables, strict=True):
        store.write_shard(recipe.work, encoded.shard.key, table)
    names = [recipe.view.name for recipe in encoded.shard.recipes]
    return pd.DataFrame({"view": names, "seconds": encoded.seconds, "people": len(encoded.shard.people)})
