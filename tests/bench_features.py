"""Measure the extraction of features at full size: ViT-B/32 and HigherHRNet-W32 at 512, random weights.

    python tests/bench_features.py [--threads 2] [--images 64] [--rounds 3] [--parts clip whole sample ray]

clip    ClipEncoder against the literal loop, `clip.load` and one image at a time in float32, alternating; and
        the share of the machine's own matrix-multiply rate that the network reaches
whole   all views of all persons of the real images beside the checkout: seconds and peak memory
sample  all views of the sample's people
ray     engine="ray" with two workers against one, once they have started
"""

import argparse
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from reference import build_by_rule, shared_path
from test_features import real_persons

from lib.clip_features import ClipEncoder
from lib.clip_features.weights import CLIP, openai
from lib.features import FeatureStore, extract, profile_views
from lib.features.engines import run_ray
from lib.features.extraction import locate
from lib.features.shards import Recipe, Shard, cut_into_shards
from lib.higherhrnet.model import save_higherhrnet
from lib.profiles import Profile, load_profile
from lib.vcoco import load_profile_people

VIT_B_32 = {"embed_dim": 512, "image_resolution": 224, "vision_layers": 12, "vision_width": 768}
VIT_B_32 |= {"vision_patch_size": 32, "context_length": 77, "vocab_size": 49408}
VIT_B_32 |= {"transformer_width": 512, "transformer_heads": 8, "transformer_layers": 12}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", default=["clip", "whole", "sample", "ray"])
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message=".*torch.jit.load.* is deprecated")
    torch.set_num_threads(options.threads)
    for part in options.parts:
        if part.startswith("whole-in:"):
            return measure_whole(Path(part.removeprefix("whole-in:")))
    with tempfile.TemporaryDirectory() as folder:
        weights = make_weights(Path(folder))
        if "clip" in options.parts:
            print(measure_clip(weights.clip_weights, options.images, options.rounds).to_markdown(), "\n")
        if "whole" in options.parts:
            again = [sys.executable, __file__, "--parts", f"whole-in:{folder}"]  # a process of its own memory
            subprocess.run([*again, "--threads", str(options.threads)], check=True)
        if "sample" in options.parts:
            print(measure_sample(Path(folder)).to_markdown(), "\n")
        if "ray" in options.parts:
            print(measure_ray(Path(folder)).to_markdown())


def make_weights(folder: Path) -> Profile:
    """Save full-size networks with random weights; return the sample's profile with these."""
    profile = replace(
        load_profile("sample"), clip_weights=folder / "random.pt", pose_weights=folder / "random.pth"
    )
    if not profile.clip_weights.exists():
        torch.manual_seed(0)
        clip = CLIP(**VIT_B_32)
        torch.save({name: tensor.half() for name, tensor in clip.state_dict().items()}, profile.clip_weights)
        save_higherhrnet(build_by_rule(), profile.pose_weights)
    return profile


@torch.inference_mode()
def measure_clip(weights: Path, count: int, rounds: int) -> pd.DataFrame:
    """Time the encoder, per precision, and the literal loop, on sample images; medians over rounds."""
    images = sorted(load_profile("sample").splits["train"].images.glob("*.jpg"))[:count]
    literal, preprocess = openai.load(str(weights), device="cpu")
    encoders = {name: ClipEncoder(weights, precision=name) for name in ("float32", "bfloat16")}
    inputs = np.stack([encoders["float32"].prepare(path) for path in images])
    seconds = {name: [] for name in ("literal", *encoders, *(f"{name}, network" for name in encoders))}
    features = {}
    for _ in range(rounds):
        with timed(seconds["literal"]):
            rows = [literal.encode_image(preprocess(Image.open(path))[None])[0] for path in images]
        features["literal"] = torch.stack(rows).numpy()
        for name, encoder in encoders.items():
            with timed(seconds[name]):
                features[name] = encoder.encode_images(images)
            with timed(seconds[f"{name}, network"]):
                for start in range(0, count, 32):
                    encoder.encode_prepared(inputs[start : start + 32])
    flop = vit_flop(encoders["float32"].model.visual)
    rows = {}
    for name, times in seconds.items():
        rate = count / np.median(times)
        row = {"images/s": rate, "x literal": rate * np.median(seconds["literal"]) / count}
        if "network" in name:
            dtype = getattr(torch, name.removesuffix(", network"))
            row["share of matmul peak"] = rate * flop / matmul_rate(dtype)
        elif name in features:
            row["cosine, least"] = least_cosine(features[name], features["literal"])
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").round(4)


class timed:
    """Append the seconds of a block to a list."""

    def __init__(self, seconds: list[float]) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds.append(time.perf_counter() - self.began)


def vit_flop(visual: torch.nn.Module) -> int:
    """Count the multiplications and additions of one image: every matrix at every token, and attention."""
    tokens, width = visual.positional_embedding.shape
    blocks = len(visual.transformer.resblocks)
    matrices = sum(p.numel() for p in visual.transformer.parameters() if p.ndim == 2)
    return 2 * (
        visual.conv1.weight.numel() * (tokens - 1) + tokens * matrices + 2 * blocks * tokens**2 * width
    )


def matmul_rate(dtype: torch.dtype) -> float:
    """Measure the best rate, operations a second, of square matrix products."""
    best = 0.0
    for size in (1024, 2048, 3072):
        a, b = torch.randn(2, size, size).to(dtype)
        torch.mm(a, b)
        times: list[float] = []
        for _ in range(5):
            with timed(times):
                torch.mm(a, b)
        best = max(best, 2 * size**3 / min(times))
    return best


def least_cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min())


def measure_whole(folder: Path) -> None:
    """Extract all views of all persons of the real images; print the report and the peak memory."""
    profile = make_weights(folder)
    shared = shared_path("vcoco")
    people = real_persons(shared)
    before = peak_memory()
    began = time.perf_counter()
    report = extract(
        people,
        lambda _, name: shared / "images" / name,
        profile_views(profile),
        FeatureStore(folder / "whole"),
    )
    seconds = time.perf_counter() - began
    print(report.round(2).to_markdown())
    print(
        f"{people['file_name'].nunique()} real images, {len(people)} persons, float32: {seconds:.1f} s with "
        f"loading, peak memory {peak_memory():.2f} GB (before it {before:.2f} GB)\n",
        flush=True,
    )


def peak_memory() -> float:
    """Return this process's peak in GB; Linux's own count, as `ru_maxrss` begins with the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024 / 1e9


def measure_sample(folder: Path) -> pd.DataFrame:
    """Extract all views of the sample's people into an empty store."""
    profile = load_profile("sample")
    people = load_profile_people(profile)
    began = time.perf_counter()
    report = extract(people, profile.image_path, profile_views(profile), FeatureStore(folder / "sample"))
    return report.assign(whole_seconds=time.perf_counter() - began).round(2)


def measure_ray(folder: Path) -> pd.DataFrame:
    """Time Ray with one and two workers, full-size CLIP on the sample's people, from the first shards on."""
    profile = make_weights(folder)
    people = locate(load_profile_people(profile), profile.image_path)
    recipes = tuple(Recipe(view, view.ingredients()) for view in profile_views(profile)[:2])
    rows = {}
    for workers in (1, 2):
        store = FeatureStore(folder / f"ray-{workers}")
        shards = [Shard(key, part, recipes) for key, part in cut_into_shards(people, 16).items()]
        began, ends, done = time.perf_counter(), [], []
        for report in run_ray(shards, store, workers):
            ends.append(time.perf_counter())
            done.append(int(report["people"].iloc[0]))
        steady = ends[-1] - ends[workers]  # the first shards of all workers wait for the weights
        rows[workers] = {"start, s": ends[0] - began, "people/s": sum(done[workers + 1 :]) / steady}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("workers")
    return table.assign(ratio=table["people/s"] / table["people/s"].iloc[0]).round(2)


if __name__ == "__main__":
    main()
