"""People and what they do: V-COCO's labels joined to COCO's boxes, objects and keypoints by `ann_id`.

Formats: V-COCO (Gupta & Malik 2015, github.com/s-gupta/v-coco) and COCO (`lib/coco.py`).
Boxes are COCO's: x, y, w, h in pixels of the image. Errors are `DataError`, a ValueError, and name the file,
the field and the fix.
"""

import warnings
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from lib.coco import BOX, KEYPOINTS, Files, duplicates, file_names, listing, read_coco, tabulate
from lib.files import sha256
from lib.labels import VERBS, read_labels, read_verbs
from lib.profiles import DataError, Profile, SplitFiles

PERSON = ["image_id", "file_name", "width", "height", *BOX]  # the columns before those of the verbs
MAKER = "run notebook 01_data_preparation"


def load_people(
    vcoco_json: str | Path, instances_json: Files, verbs: Sequence[str] = VERBS, strict: bool = False
) -> pd.DataFrame:
    """Load one row per person with at least one verb, indexed by `ann_id`, in the label file's order.

    Columns: `image_id`, `file_name`, `width`, `height`, the box `x`, `y`, `w`, `h` clipped to the image, then
    one boolean column per verb. `attrs` reports `without_verb` and `clipped` (counts) and `missing` (labelled
    ann_ids that the instances lack: dropped with a warning, or a DataError if `strict`).
    """
    labels = read_labels(vcoco_json, verbs)
    labelled = labels[labels[list(verbs)].any(axis="columns")]
    coco = read_coco(instances_json, labelled["image_id"])
    missing = [int(ann_id) for ann_id in labelled.index if ann_id not in coco.anns]
    if missing:
        message = (
            f"{file_names(instances_json)}: annotations: no box for {len(missing)} labelled persons "
            f"of {vcoco_json}, ann_id {listing(missing)}; use the instances files of the same COCO release."
        )
        if strict:
            raise DataError(message)
        warnings.warn(message + " They are left out.", stacklevel=2)
    labelled = labelled.drop(index=missing)
    people = tabulate(coco, labelled.index).join(labelled, rsuffix="_labelled")
    _check_people(people, instances_json, vcoco_json)
    boxes = _clip(people)
    clipped = int((boxes - people[BOX]).abs().gt(1e-6).any(axis="columns").sum())
    people = people.assign(**boxes)[[*PERSON, *verbs]]
    people.attrs = {"without_verb": len(labels) - len(labelled), "clipped": clipped, "missing": missing}
    return people


def load_profile_people(profile: Profile) -> pd.DataFrame:
    """Load the people of all splits of a profile: `load_people`'s columns after the column `split`.

    `attrs` holds each split's report under the split's name, with the `sha256` of the files read: that of the
    labels, then those of the instances.
    """
    digests = _digest_files(profile)
    parts = {
        split: load_people(files.vcoco_json, files.instances_json, profile.verbs or VERBS)
        for split, files in profile.splits.items()
    }
    if empty := [str(profile.splits[split].vcoco_json) for split, part in parts.items() if part.empty]:
        raise DataError(f"{listing(empty)}: label: nobody has a verb and a box; each split needs somebody.")
    people = pd.concat([part.assign(split=split) for split, part in parts.items()])
    if not people.index.is_unique:
        raise DataError(f"{profile.inputs}: ann_id {listing(duplicates(people.index))} is in two splits.")
    people.insert(0, "split", people.pop("split"))
    people.attrs = {split: {**part.attrs, "sha256": digests[split]} for split, part in parts.items()}
    return people


def load_prepared_people(profile: Profile) -> pd.DataFrame:
    """Load the table that notebook 01 wrote: `load_profile_people`'s columns, without reading labels again.

    Raises DataError where it is absent, damaged, of other verbs than the profile, or made of other labels or
    instances than are there now; those that are no longer there cannot be compared.
    """
    try:
        people = pd.read_parquet(profile.people)
    except FileNotFoundError:
        raise DataError(f"{profile.people}: no such table; {MAKER}.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{profile.people}: cannot be read ({error}); {MAKER} again.") from None
    if list(people.columns) != ["split", *PERSON, *(profile.verbs or VERBS)]:
        raise DataError(f"{profile.people}: its verbs are not the profile's; {MAKER} again.")
    _check_files(people, profile)
    return people


def _check_files(people: pd.DataFrame, profile: Profile) -> None:
    """Raise DataError where prepared people were made of other files than the profile names."""
    for split, digests in _digest_files(profile).items():
        files, made_of = _label_files(profile.splits[split]), people.attrs.get(split, {}).get("sha256", [])
        now_and_then = zip(files, digests, made_of, strict=False)
        changed = [file for file, now, then in now_and_then if now not in ("", then)]
        if changed or len(made_of) != len(files):
            raise DataError(
                f"{profile.people}: made of another {file_names(changed or files)} than is there now; "
                f"{MAKER} again."
            )


def _label_files(files: SplitFiles) -> list[Path]:
    """List the files of which a split's people are made."""
    return [files.vcoco_json, *files.instances_json]


def _digest_files(profile: Profile) -> dict[str, list[str]]:
    """Return the sha256 of each split's `_label_files`, "" where one is not there; each file is read once."""
    files = {split: _label_files(files) for split, files in profile.splits.items()}
    digests = {path: sha256(path) for path in set(chain.from_iterable(files.values()))}
    return {split: [digests[path] for path in paths] for split, paths in files.items()}


def load_role_objects(
    vcoco_json: str | Path, instances_json: Files, verbs: Sequence[str] = VERBS
) -> pd.DataFrame:
    """Load the objects that V-COCO names for a person's verbs, indexed by the person's `ann_id`.

    Columns: `verb`, `role` (obj or instr), `object_id`, `category` and the object's box; box and category
    are missing where the instances lack the object. These objects give the label away: never a feature.
    """
    rows = []
    for entry in read_verbs(vcoco_json, verbs):
        blocks = np.reshape(entry.role_object_id, (len(entry.role_name), len(entry.ann_id)))
        for role, object_ids in zip(entry.role_name[1:], blocks[1:], strict=True):  # block 0 is the agent
            for i in np.flatnonzero(np.array(entry.label, dtype=bool) & (object_ids > 0)):
                rows.append((entry.ann_id[i], entry.image_id[i], entry.action_name, role, object_ids[i]))
    roles = pd.DataFrame(rows, columns=["ann_id", "image_id", "verb", "role", "object_id"])
    roles = roles.astype({"ann_id": int, "image_id": int, "object_id": int})
    coco = read_coco(instances_json, roles.pop("image_id"))
    known = roles["object_id"][roles["object_id"].isin(list(coco.anns))].unique()
    objects = tabulate(coco, known)[["category", *BOX]]
    return roles.join(objects, on="object_id").set_index("ann_id")


def load_objects(people: pd.DataFrame, instances_json: Files) -> pd.DataFrame:
    """Load every other annotated object, persons too, of each person's image, indexed by the `ann_id`.

    Columns: `object_id`, `category` (a categorical of all that the files name, in their order) and the
    object's box as COCO gives it. Raises DataError where an object's category is not named.
    """
    coco = read_coco(instances_json, people["image_id"])
    objects = tabulate(coco, list(coco.anns))[["image_id", "category", *BOX]]
    names = dict.fromkeys(category["name"] for category in coco.dataset["categories"])
    objects["category"] = pd.Categorical(objects["category"], list(names))
    if (nameless := objects["category"].isna()).any():
        raise DataError(
            f"{file_names(instances_json)}: category_id of annotation {listing(objects.index[nameless])}: "
            "no such category; add it to categories."
        )
    objects = objects.rename_axis("object_id").reset_index()
    pairs = people[["image_id"]].reset_index().merge(objects, on="image_id")
    pairs = pairs[pairs["ann_id"] != pairs["object_id"]]
    return pairs.drop(columns="image_id").set_index("ann_id")


def load_keypoints(people: pd.DataFrame, person_keypoints_json: Files) -> pd.DataFrame:
    """Load COCO's true keypoints, one row per person of `people`, in its order.

    Columns `nose_x`, `nose_y`, `nose_v`, … (51): pixels of the image and COCO's visibility (1 hidden,
    2 visible). A row reshapes to (17, 3). A joint that is not labelled is NaN, NaN, 0; a person for whom
    COCO has no keypoints is all NaN.
    """
    coco = read_coco(person_keypoints_json, people["image_id"])
    values = np.full((len(people), len(KEYPOINTS), 3), np.nan)
    for row, ann_id in zip(values, people.index, strict=True):
        annotation = coco.anns.get(ann_id, {"num_keypoints": 0})
        if annotation["num_keypoints"] == 0:
            continue
        if len(annotation["keypoints"]) != row.size:
            found = len(annotation["keypoints"])
            raise DataError(
                f"{file_names(person_keypoints_json)}: keypoints of ann_id {ann_id}: {found} numbers, "
                f"not {row.size}; use COCO's person_keypoints files."
            )
        row[:] = np.reshape(annotation["keypoints"], row.shape)
        row[row[:, 2] == 0, :2] = np.nan
    columns = [f"{joint}_{part}" for joint in KEYPOINTS for part in "xyv"]
    return pd.DataFrame(values.reshape(len(people), len(columns)), index=people.index, columns=columns)


def load_profile_keypoints(profile: Profile, people: pd.DataFrame) -> pd.DataFrame:
    """Load `load_keypoints`' rows of people of any split, in their order."""
    parts = [
        load_keypoints(people[people["split"] == split], files.person_keypoints_json)
        for split, files in profile.splits.items()
    ]
    return pd.concat(parts).loc[people.index]


def find_border_contact(people: pd.DataFrame, within: float = 1.0) -> pd.DataFrame:
    """Say for each person whether the box comes `within` pixels of the image's left, top, right, bottom."""
    far_x, far_y = people["x"] + people["w"], people["y"] + people["h"]
    gaps = {"left": people["x"], "top": people["y"]}
    gaps |= {"right": people["width"] - far_x, "bottom": people["height"] - far_y}
    return pd.DataFrame(gaps) <= within


def _check_people(people: pd.DataFrame, instances_json: Files, vcoco_json: str | Path) -> None:
    """Raise DataError where boxes, categories or images contradict the labels."""
    boxes = _clip(people)
    problems = {
        "image_id: the labels place in other images": people["image_id"] != people["image_id_labelled"],
        "category_id: not a person in": people["category"] != "person",
        "bbox: no area inside the image in": (boxes["w"] <= 0) | (boxes["h"] <= 0),
    }
    for problem, wrong in problems.items():
        if wrong.any():
            raise DataError(
                f"{file_names(instances_json)}: {problem} {wrong.sum()} annotations, ann_id "
                f"{listing(people.index[wrong])}; correct them there or remove them from {vcoco_json}."
            )


def _clip(people: pd.DataFrame) -> pd.DataFrame:
    """Cut boxes at the image's border; a box wholly outside gets a width or height of 0 or less."""
    left, top = people["x"].clip(lower=0), people["y"].clip(lower=0)
    right = (people["x"] + people["w"]).clip(upper=people["width"])
    bottom = (people["y"] + people["h"]).clip(upper=people["height"])
    return pd.DataFrame({"x": left, "y": top, "w": right - left, "h": bottom - top})
