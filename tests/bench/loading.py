"""V-COCO's labels and COCO's boxes, out of files of COCO train2014's size."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from bench import literal
from bench.fullsize import draw_people, write_labels
from bench.machine import alternate, disk_rate, forget_peak, peak_memory, timed, walls
from bench.table import Outcome, Row, Sample
from lib.coco import BOX
from lib.vcoco import VERBS, load_people, load_profile_people

ROUNDS = 2


def measure() -> Outcome:
    """Load the people of train, whose boxes stand among 604,907 objects with masks."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_labels(draw_people(), Path(folder)).splits["train"]
        labels, instances = files.vcoco_json, files.instances_json[0]
        forget_peak()
        people = load_people(labels, instances)
        memory = peak_memory()
        check(people, literal.load(labels, instances))
        runs = {
            "ours": lambda: load_people(labels, instances),
            "literal": lambda: literal.load(labels, instances),
        }
        times = {name: walls(seconds) for name, seconds in alternate(runs, ROUNDS).items()}
        size = labels.stat().st_size + instances.stat().st_size
        row = Row(
            f"people of V-COCO's train, out of {size / 1e6:.0f} MB of JSON",
            "run",
            1,
            times["ours"],
            memory,
            "pycocotools, then verb by verb and person by person",
            times["literal"],
            "reading the files from the disk",
            disk_rate(instances) / size,
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
    assert ours[list(VERBS)].apply(lambda row: set(row.index[row]), axis=1).tolist() == verbs


def at_scale(scale: int) -> Sample:
    """Load all splits, of files and people of so many eighths of the real size."""
    with tempfile.TemporaryDirectory() as folder:
        profile, people = write_labels(draw_people(scale / 8), Path(folder), scale / 8), []
        forget_peak()
        seconds = timed(lambda: people.append(load_profile_people(profile))).wall
        return Sample("loading of all labels", len(people[0]), seconds, peak_memory())
