"""The whole extraction: image files in, both views of CLIP and pose in Parquet files out."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from bench import clip, literal_encoders, pose
from bench.encoders import POSE_PIXELS, cut_crops, input_pixels, load_persons, make_weights
from bench.formats import formats, make_estimates, make_rows
from bench.fullsize import ALL_IMAGES, EVERYBODY
from bench.machine import alternate, decode_rate, forget_peak, peak_memory, timed
from bench.table import Outcome, Sample, Size
from lib.clip_features.weights import openai
from lib.features import FeatureStore, extract, profile_views
from lib.features.store import to_frame
from lib.higherhrnet.model import load_higherhrnet
from lib.profiles import Profile, load_profile
from lib.vcoco import load_profile_people

PERSONS, ROUNDS = 8, 2
VIEWS = ("clip_full", "clip_crop", "pose")


def measure() -> Outcome:
    """Time the extraction of all views with full-size networks beside a loop over people."""
    people, images = load_persons(PERSONS)
    crops = cut_crops(people, images)
    with tempfile.TemporaryDirectory() as folder:
        profile = make_weights(Path(folder), crops)
        runs, memory = {}, {}
        for precision in formats():
            forget_peak()
            runs[precision] = partial(extract_fresh, profile, people, images, precision)
            features = runs[precision]()
            memory[precision] = peak_memory()
        model, preprocess = openai.load(str(profile.clip_weights), device="cpu")
        network = load_higherhrnet(profile.pose_weights)
        runs["literal"] = partial(literal_encoders.extract, people, images, model, preprocess, network)
        check(features, runs["literal"]())
        times = alternate(runs, ROUNDS)
        sizes = measure_sizes(profile, people, images, Path(folder) / "kept")
    paths, pixels = [images / name for name in people["file_name"].unique()], input_pixels(crops)
    operations = (len(paths) + len(people)) * clip.count_operations(model.visual)
    operations += pose.count_operations(network) * pixels / 512**2
    what, way = "all views, from files to files", "person by person, each image opened again"
    decoding = len(paths) / decode_rate(paths)
    return Outcome(
        make_rows(what, "people", len(people), times, memory, way, operations, decoding),
        make_estimates("whole extraction", EVERYBODY, "people", times, POSE_PIXELS / pixels),
        sizes,
    )


def extract_fresh(profile: Profile, people: pd.DataFrame, images: Path, precision: str) -> pd.DataFrame:
    """Extract all views into an empty store; return them side by side."""
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore(folder)
        extract(people, lambda _, name: images / name, profile_views(profile, precision=precision), store)
        return pd.concat({view: to_frame(store.read(view)) for view in VIEWS}, axis="columns").loc[
            people.index
        ]


def check(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Assert that both gave the same numbers."""
    clips = ours[["clip_full", "clip_crop"]].to_numpy()
    expected = theirs.to_numpy()[:, : clips.shape[1]]
    np.testing.assert_allclose(clips, expected, atol=1e-4 * np.abs(expected).max())
    joints = ours["pose"].filter(like="crop_").iloc[:, -51:].to_numpy().reshape(-1, 17, 3)
    pose.check(joints, theirs.to_numpy()[:, clips.shape[1] :].reshape(-1, 17, 3))


def measure_sizes(profile: Profile, people: pd.DataFrame, images: Path, folder: Path) -> list[Size]:
    """Say what features and images take on disk, by what these people's take."""
    extract(people, lambda _, name: images / name, profile_views(profile), FeatureStore(folder))
    features = sum(file.stat().st_size for file in folder.rglob("*.parquet")) / len(people)
    names = people["file_name"].unique()
    image = sum((images / name).stat().st_size for name in names) / len(names)
    return [
        Size("features", f"{EVERYBODY:,} people × {features:,.0f} bytes", EVERYBODY * features),
        Size("images", f"{ALL_IMAGES:,} × {image:,.0f} bytes", ALL_IMAGES * image),
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
