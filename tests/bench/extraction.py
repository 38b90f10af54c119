"""The whole extraction: image files in, both views of CLIP and pose in Parquet files out."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from bench import clip, literal, pose
from bench.fullsize import (
    ALL_IMAGES,
    EVERYBODY,
    POSE_PIXELS,
    cut_crops,
    input_pixels,
    load_persons,
    make_weights,
)
from bench.machine import alternate, decode_rate, forget_peak, matmul_rate, peak_memory, timed, walls
from bench.table import Estimate, Outcome, Row, Sample, Size
from lib.clip_features.weights import openai
from lib.features import FeatureStore, extract, profile_views
from lib.features.store import to_frame
from lib.higherhrnet.model import load_higherhrnet
from lib.precision import choose_dtype
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
        for precision in ("auto", "float32"):  # the smaller first, as memory may stay with the process
            forget_peak()
            runs[precision] = lambda precision=precision: extract_fresh(profile, people, images, precision)
            features = runs[precision]()
            memory[precision] = peak_memory()
        model, preprocess = openai.load(str(profile.clip_weights), device="cpu")
        network = load_higherhrnet(profile.pose_weights)
        runs["literal"] = lambda: literal.extract(people, images, model, preprocess, network)
        check(features, runs["literal"]())
        times = alternate(runs, ROUNDS)
        clip_flop, pose_flop = clip.count_operations(model.visual), pose.count_operations(network)
        sizes = measure_sizes(profile, people, images, Path(folder) / "kept")
    paths = [images / name for name in people["file_name"].unique()]
    flop = (len(paths) + len(people)) * clip_flop + pose_flop * input_pixels(crops) / 512**2
    decoding = len(paths) / decode_rate(paths)
    outcome = Outcome(sizes=sizes)
    for precision in ("float32", "auto"):
        dtype = choose_dtype(precision, "cpu")
        name = str(dtype).removeprefix("torch.")
        least = flop / matmul_rate(dtype) + decoding
        outcome.rows.append(
            Row(
                f"extraction of all views, from files to files, {name}",
                "people",
                len(people),
                walls(times[precision]),
                memory[precision],
                "person by person, every image opened again, float32",
                walls(times["literal"]),
                f"matrix products in {name} and PIL's decoding",
                len(people) / least,
            )
        )
        scale = POSE_PIXELS / input_pixels(crops)
        each, busy = ([scale * one for one in column] for column in zip(*times[precision], strict=True))
        outcome.estimates.append(Estimate(f"whole extraction, {name}", EVERYBODY, "people", each, busy))
    return outcome


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
