"""V-COCO's label files, read and checked: who does what, before boxes are joined.

Format: Gupta & Malik 2015, github.com/s-gupta/v-coco. Errors are `DataError` and name the file, the field and
the fix.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
import pandas as pd

from lib.coco import Id, decode, duplicates, listing
from lib.profiles import DataError

# fmt: off
VERBS = (
    "hold", "stand", "sit", "ride", "walk", "look", "hit", "eat", "jump", "lay", "talk_on_phone", "carry",
    "throw", "catch", "cut", "run", "work_on_computer", "ski", "surf", "skateboard", "smile", "drink", "kick",
    "point", "read", "snowboard",
)
# fmt: on


class VerbLabels(msgspec.Struct):
    """One verb's entry of a V-COCO file: parallel arrays over persons, `role_object_id` one block a role."""

    action_name: str
    image_id: list[Id]
    ann_id: list[Id]
    label: list[Literal[0, 1]]
    role_name: list[str]
    role_object_id: list[Id]


def read_labels(vcoco_json: str | Path, verbs: Sequence[str] = VERBS) -> pd.DataFrame:
    """Read `image_id` and one boolean column per verb for every person of a V-COCO file, by `ann_id`."""
    entries = read_verbs(vcoco_json, verbs)
    persons = pd.Index(entries[0].ann_id, name="ann_id", dtype="int64")
    columns = {"image_id": pd.Series(entries[0].image_id, index=persons, dtype="int64")}
    for entry in entries:
        here = pd.Index(entry.ann_id, dtype="int64")
        if different := persons.symmetric_difference(here).tolist():
            raise DataError(
                f"{vcoco_json}: ann_id of {entry.action_name}: other persons than "
                f"{entries[0].action_name} lists, {listing(different)}; every verb must list the same ones."
            )
        image_ids = pd.Series(entry.image_id, index=here, dtype="int64").reindex(persons)
        if (moved := image_ids != columns["image_id"]).any():
            raise DataError(
                f"{vcoco_json}: image_id of {entry.action_name}: another than {entries[0].action_name} gives "
                f"for ann_id {listing(persons[moved])}; a person is in one image."
            )
        columns[entry.action_name] = pd.Series(entry.label, index=here, dtype=bool).reindex(persons)
    return pd.DataFrame(columns)


def read_verbs(vcoco_json: str | Path, verbs: Sequence[str] = VERBS) -> list[VerbLabels]:
    """Read and check a V-COCO label file: one entry per verb, in the order of `verbs`."""
    content = decode(vcoco_json, list[VerbLabels], "V-COCO labels")
    if twice := duplicates([entry.action_name for entry in content]):
        raise DataError(f"{vcoco_json}: action_name: {listing(twice)} is there twice; keep one entry of it.")
    entries = {entry.action_name: entry for entry in content}
    if unknown := sorted(entries.keys() - set(verbs)):
        raise DataError(
            f"{vcoco_json}: action_name: unknown verb {listing(unknown)}; name it in the profile."
        )
    if absent := [verb for verb in verbs if verb not in entries]:
        raise DataError(
            f"{vcoco_json}: action_name: no entry for {listing(absent)}; download the file again."
        )
    for entry in entries.values():
        _check_entry(entry, vcoco_json)
    return [entries[verb] for verb in verbs]


def _check_entry(entry: VerbLabels, file: str | Path) -> None:
    people = len(entry.ann_id)
    expected = {"image_id": people, "label": people, "role_object_id": people * len(entry.role_name)}
    for field, length in expected.items():
        found = len(getattr(entry, field))
        if found != length:
            raise DataError(
                f"{file}: {field} of {entry.action_name}: {found} entries, but {length} follow from its "
                f"{people} ann_id and {len(entry.role_name)} role_name; download the file again."
            )
    if not entry.role_name:
        raise DataError(f"{file}: role_name of {entry.action_name} is empty; the first role is the agent.")
    if twice := duplicates(entry.ann_id):
        raise DataError(f"{file}: ann_id of {entry.action_name}: {listing(twice)} is there twice; keep one.")
