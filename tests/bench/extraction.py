"""The whole extraction: image files in, both views of CLIP and pose in Parquet files out."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from bench import clip, literal_encoders, pose
from bench.encoders import POSE_PIXELS, cut_crops, input_pixels, load_persons, make_weights
from bench.formats import formats, make_estimates, make_rows
from bench.fullsize import ALL_IMAGES, EVERYBODY
from bench.machine import Seconds, alternate, decode_rate, forget_peak, peak_memory, timed
from bench.table import Outcome, Sample, Size
from lib.clip_features.weights import openai
from lib.features import FeatureStore, extract, profile_views
from lib.features.store import to_frame
from lib.features.views import ClipView, EncoderSettings, PoseView, View
from lib.higherhrnet.model import load_higherhrnet
from lib.profiles import load_profile
from lib.vcoco import load_profile_people

PERSONS, ROUNDS = 4, 2
NUMBERS = {"clip_full": 512, "clip_crop": 512, "pose": 6 + 2 * 51}  # a person's, by view


def measure() -> Outcome:
    """Time the extraction of all views with full-size networks beside a loop over people."""
    people, images = load_persons(PERSONS)
    crops = cut_crops(people, images)
    with tempfile.TemporaryDirectory() as folder:
        profile = make_weights(Path(folder), crops)
        runs, memory = {}, {}
        for precision in formats():
            forget_peak()
            views = preload(profile_views(profile, precision=precision))
            runs[precision] = partial(extract_fresh, people, images, views)
            features = runs[precision]()
            memory[precision] = peak_memory()
        model, preprocess = openai.load(str(profile.clip_weights), device="cpu")
        network = load_higherhrnet(profile.pose_weights)
        runs["literal"] = partial(literal_encoders.extract, people, images, model, preprocess, network)
        check(features, runs["literal"]())
        start = timed(lambda: [view.ingredients() for view in views])
        times = alternate(runs, ROUNDS)
    paths, pixels = [images / name for name in people["file_name"].unique()], input_pixels(crops)
    operations = (len(paths) + len(people)) * clip.count_operations(model.visual)
    operations += pose.count_operations(network) * pixels / 512**2
    what, way = "all views, from files to files", "person by person, each image opened again"
    decoding = len(paths) / decode_rate(paths)
    net = {
        name: [Seconds(one.wall - start.wall, one.busy - start.busy) for one in rounds]
        for name, rounds in times.items()
    }
    return Outcome(
        make_rows(what, "people", len(people), times, memory, way, operations, decoding),
        make_estimates("whole extraction", EVERYBODY, "people", net, POSE_PIXELS / pixels),
        reckon_sizes(images),
        [f"Extraction: the weights' hashes, {start.wall:.1f} s a run, are left out of its estimates."],
    )


@dataclass(frozen=True)
class Loaded(EncoderSettings):
    """Settings of a network that is read already, as in the literal loop: read once, it costs no person."""

    network: object = None

    def load(self) -> object:
        """Return it."""
        return self.network


def preload(views: tuple[ClipView, ClipView, PoseView]) -> tuple[ClipView, ClipView, PoseView]:
    """Return the views with their networks in memory."""
    loaded = {one: Loaded(**vars(one), network=one.load()) for one in {view.encoder for view in views}}
    return tuple(replace(view, encoder=loaded[view.encoder]) for view in views)


def extract_fresh(people: pd.DataFrame, images: Path, views: Sequence[View]) -> pd.DataFrame:
    """Extract all views into an empty store; return them side by side."""
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore(folder)
        extract(people, lambda _, name: images / name, views, store)
        tables = {view.name: to_frame(store.read(view.name)) for view in views}
        return pd.concat(tables, axis="columns").loc[people.index]


def check(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Assert that both gave the same numbers."""
    clips = ours[["clip_full", "clip_crop"]].to_numpy()
    expected = theirs.to_numpy()[:, : clips.shape[1]]
    np.testing.assert_allclose(clips, expected, atol=1e-4 * np.abs(expected).max())
    joints = ours["pose"].filter(like="crop_").iloc[:, -51:].to_numpy().reshape(-1, 17, 3)
    pose.check(joints, theirs.to_numpy()[:, clips.shape[1] :].reshape(-1, 17, 3))


def reckon_sizes(images: Path) -> list[Size]:
    """Say what features take on disk, by their numbers, and images, by the mean of those at hand."""
    files = [file.stat().st_size for file in images.glob("*.jpg")]
    image, numbers = sum(files) / len(files), sum(NUMBERS.values())
    return [
        Size("features", f"{EVERYBODY:,} people × {numbers:,} numbers × 4 bytes", EVERYBODY * numbers * 4),
        Size("images", f"{ALL_IMAGES:,} × {image:,.0f} bytes, as those at hand", ALL_IMAGES * image),
    ]


def at_scale(scale: int) -> Sample:
    """Extract all views of so many eighths of the sample's people, with the sample's own small networks."""
    profile = load_profile("sample")
    people = load_profile_people(profile).sort_values("image_id", kind="stable")
    people = people.head(len(people) * scale // 8)
    with tempfile.TemporaryDirectory() as folder:
        seconds = timed(
            lambda: extract(people, profile.image_path, profile_views(profile), FeatureStore(folder))
        ).wall
    return Sample("extraction, the sample's networks", len(people), seconds, peak_memory())
