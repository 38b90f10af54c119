"""What experiments read: a profile's features, checked to be those of its people and its weights."""

import pandas as pd
import pyarrow as pa

from lib.coco import BOX, listing
from lib.features.store import FAILURE, FeatureStore, made_of, to_frame
from lib.features.top_down import top_down_views
from lib.features.views import View, profile_views
from lib.profiles import DataError, Profile

REMEDY = "run notebook 02_feature_extraction"


def load_features(profile: Profile, name: str, people: pd.DataFrame) -> pd.DataFrame:
    """Load a view's features of these people: float32, their rows in their order, NaN where missing.

    `name` is `clip_full`, `clip_crop`, `pose`, or `pose_<model>` of one of the profile's pose models. Raises
    DataError where the table is absent, lacks people, or was made of other boxes, weights or preprocessing
    than the profile's now.
    """
    table = _read(profile, name)
    _check_ingredients(profile, name, table)
    rows = table.select(["ann_id", "file_name", *BOX]).to_pandas().set_index("ann_id").reindex(people.index)
    same = (rows == people[["file_name", *BOX]].astype(dict.fromkeys(BOX, float))).all(axis="columns")
    if not same.all():
        raise DataError(
            f"{_store(profile).path(name)}: lacks {(~same).sum()} of {len(people)} people as they are now, "
            f"ann_id {listing(people.index[~same])}; {REMEDY}."
        )
    return to_frame(table).loc[people.index]


def load_ingredients(profile: Profile, name: str) -> dict[str, object]:
    """Load what a view's stored features were made of: weights, precision, preprocessing, versions."""
    return made_of(_read(profile, name))


def load_failures(profile: Profile, name: str) -> pd.DataFrame:
    """Load a view's failures: one row per image, with the `reason` and how many `people` it concerns."""
    rows = _read(profile, name).select(["image_id", "split", "file_name", FAILURE]).to_pandas()
    failed = rows.rename(columns={FAILURE: "reason"}).dropna(subset="reason")
    images = failed.groupby(["image_id", "split", "file_name"], sort=False)["reason"]
    return images.agg(reason="first", people="size").reset_index()


def _store(profile: Profile) -> FeatureStore:
    return FeatureStore(profile.features)


def _read(profile: Profile, name: str) -> pa.Table:
    table = _store(profile).read(name)
    if table is None:
        raise DataError(f"{_store(profile).path(name)}: no such features; {REMEDY}.")
    return table


def _check_ingredients(profile: Profile, name: str, table: pa.Table) -> None:
    """Raise DataError where the table's ingredients are not the profile's; any precision will do.

    Weights that are not here cannot be compared: features may come from another machine.
    """
    views: tuple[View, ...] = (*profile_views(profile), *top_down_views(profile))
    view = {view.name: view for view in views}[name]
    stored = made_of(table)
    try:
        current = view.ingredients()
    except DataError:
        return
    different = [key for key in current if key != "precision" and stored.get(key) != current[key]]
    if different:
        raise DataError(
            f"{_store(profile).path(name)}: {', '.join(different)}: not what it is now; {REMEDY} again."
        )
