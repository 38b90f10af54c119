"""A user's own profile: a few people of the sample in each split, two verbs under names of their own."""

from conftest import TinyFiles

from lib.profiles import SPLITS

OWN = """
clip_weights = "clip.pt"
pose_weights = "pose.pth"
verbs = ["wave", "dance"]
"""
OWN_SPLIT = """
[splits.{split}]
vcoco_json = "{split}_vcoco.json"
instances_json = ["{split}_instances.json"]
person_keypoints_json = "{split}_person_keypoints.json"
images = "images"
"""


def write_own_profile(folder, contents) -> None:
    """Write a profile of two verbs of its own, with other people in each split."""
    folder.mkdir()
    labels = {"wave": contents["vcoco"][0], "dance": contents["vcoco"][1]}
    contents["vcoco"] = [{**entry, "action_name": verb} for verb, entry in labels.items()]
    for number, split in enumerate(SPLITS):
        shifted = {name: shift_ids(content, 1_000_000 * number) for name, content in contents.items()}
        for name, path in TinyFiles(folder, shifted).write().items():
            path.rename(folder / f"{split}_{name}.json")
    (folder / "profile.toml").write_text(OWN + "".join(OWN_SPLIT.format(split=split) for split in SPLITS))


def shift_ids(content, by: int):
    """Give annotations other ids, so that splits do not share people."""
    if isinstance(content, list):
        return [
            {**entry, **{k: [i + by for i in entry[k]] for k in ("ann_id", "role_object_id")}}
            for entry in content
        ]
    return {**content, "annotations": [{**entry, "id": entry["id"] + by} for entry in content["annotations"]]}
