"""The literal way to read labels: pycocotools, then verb by verb and person by person."""

import json
from pathlib import Path

from pycocotools.coco import COCO


def load(labels: str, instances: str) -> dict[int, tuple[list[float], set[str]]]:
    """Return box and verbs of every person who has a verb."""
    coco, people = COCO(instances), {}
    for entry in json.loads(Path(labels).read_text()):
        for ann_id, label in zip(entry["ann_id"], entry["label"], strict=True):
            if label:
                people.setdefault(ann_id, (coco.loadAnns(ann_id)[0]["bbox"], set()))[1].add(
                    entry["action_name"]
                )
    return people
