"""V-COCO's labels and COCO's boxes, out of files of COCO train2014's size."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from bench import literal_loading
from bench.fullsize import draw_people, write_labels
from bench.machine import disk_rate, timed_apart
from bench.table import Outcome, Row, Sample
from lib.coco import BOX
from lib.vcoco import VERBS, load_people

ROUNDS = 2
TESTS = str(Path(__file__).resolve().parents[1])


def measure() -> Outcome:
    """Load the people of train, whose boxes stand among 604,907 objects with masks."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_labels(draw_people(), Path(folder)).splits["train"]
        labels, instances = str(files.vcoco_json), str(files.instances_json[0])
        check(load_people(labels, instances), literal_loading.load(labels, instances))
        given = f"({labels!r}, {instances!r})"
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(timed_apart("from lib.vcoco import load_people", f"load_people{given}"))
            path = f"import sys; sys.path.insert(0, {TESTS!r}); from bench.literal_loading import load"
            theirs.append(timed_apart(path, f"load{given}"))
        size = sum(Path(file).stat().st_size for file in (labels, instances))
        row = Row(
            f"people of V-COCO's train, out of {size / 1e6:.0f} MB of JSON",
            "run",
            1,
            [seconds for seconds, _ in ours],
            max(memory for _, memory in ours),
            "pycocotools, then verb by verb and person by person",
            [seconds for seconds, _ in theirs],
            "reading the files from the disk",
            disk_rate(Path(instances)) / size,
            max(memory for _, memory in theirs),
        )
    return Outcome(
        [row], notes=["Label files are drawn: V-COCO's people, COCO's number of images, objects and masks."]
    )


def check(ours: pd.DataFrame, theirs: dict[int, tuple[list[float], set[str]]]) -> None:
    """Assert that both found the same people, boxes and verbs."""
    expected = pd.DataFrame.from_dict({ann_id: box for ann_id, (box, _) in theirs.items()}, orient="index")
    assert set(ours.index) == set(expected.index)
    np.testing.assert_allclose(ours[BOX], expected.loc[ours.index], atol=1e-6)
    verbs = [theirs[ann_id][1] for ann_id in ours.index]
    assert [set(row.index[row]) for _, row in ours[list(VERBS)].iterrows()] == verbs


def at_scale(scale: int) -> Sample:
    """Load all splits, of files and people of so many eighths of the real size."""
    people = draw_people(scale / 8)
    with tempfile.TemporaryDirectory() as folder:
        splits = write_labels(people, Path(folder), scale / 8).splits.values()
        loads = [f"load_people({str(one.vcoco_json)!r}, {str(one.instances_json[0])!r})" for one in splits]
        seconds, memory = timed_apart("from lib.vcoco import load_people", "; ".join(loads))
    return Sample("loading of all labels", len(people), seconds, memory)
