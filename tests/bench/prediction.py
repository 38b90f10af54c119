"""Prediction on images with full-size networks of random weights: people given, and people found."""

import tempfile
from pathlib import Path

import pandas as pd

from bench.encoders import cut_crops, load_persons, make_weights
from bench.machine import forget_peak, peak_memory, timed
from bench.table import Outcome, Row
from lib.experiments import InputForm
from lib.features import profile_views
from lib.models import ActionMLP
from lib.prediction import ActionModel, ModelCard, label_boxes, predict_images
from lib.profiles import Profile
from lib.vcoco import VERBS

PERSONS = 4


def measure() -> Outcome:
    """Predict with boxes given, then without; times include the loading of the networks."""
    people, folder = load_persons(PERSONS)
    images, rows = [folder / name for name in people["file_name"].unique()], []
    with tempfile.TemporaryDirectory() as temporary:
        profile = make_weights(Path(temporary), cut_crops(people, folder))
        model = untrained(profile)
        for way, boxes in (("given", label_boxes(people)), ("found", None)):
            rows.append(time_prediction(way, images, boxes, profile, model, Path(temporary) / way))
    note = "Prediction: one run each, loading included; random weights find people at random."
    return Outcome(rows, notes=[note])


def time_prediction(
    way: str,
    images: list[Path],
    boxes: pd.DataFrame | None,
    profile: Profile,
    model: ActionModel,
    output: Path,
) -> Row:
    """Predict once, in the fastest format."""
    results = []

    def predict() -> None:
        results.extend(predict_images(images, profile, model, output, boxes=boxes, precision="auto"))

    forget_peak()
    seconds, count = timed(predict).wall, sum(len(result.people) for result in results)
    name = f"prediction, people {way}: {count} in {len(images)} images"
    return Row(name, "images", len(images), [seconds], peak_memory())


def untrained(profile: Profile) -> ActionModel:
    """Return the thesis's CLIP + pose with three seeds, never trained: it takes as long as a trained one."""
    views = {view.name: view for view in profile_views(profile)}
    clip = views["clip_crop"].encoder.load()
    card = ModelCard(
        name="untrained",
        verbs=VERBS,
        inputs=InputForm(("clip_crop", "pose"), without_pose="zeros"),
        thresholds=dict.fromkeys(VERBS, 0.5),
        encoders={name: views[name].ingredients() for name in ("clip_crop", "pose")},
        trained_on={},
        accuracy={},
        protocol="none",
        limits="It knows nothing.",
        date="",
    )
    return ActionModel(card, ActionMLP(clip.dim + 51, n_seeds=3), Path())
