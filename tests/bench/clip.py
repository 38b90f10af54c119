"""CLIP ViT-B/32 with random weights, on whole images."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from bench import literal
from bench.fullsize import ALL_IMAGES, EVERYBODY, cut_crops, load_persons, make_weights
from bench.machine import alternate, forget_peak, matmul_rate, peak_memory, walls
from bench.table import Estimate, Outcome, Row
from lib.clip_features import ClipEncoder
from lib.clip_features.weights import openai
from lib.precision import choose_dtype
from lib.profiles import load_profile

IMAGES, ROUNDS = 64, 5


def measure() -> Outcome:
    """Time the encoder in float32 and in the machine's fastest format beside `clip.load`, image by image."""
    with tempfile.TemporaryDirectory() as folder:
        weights = make_weights(Path(folder), cut_crops(*load_persons(1))).clip_weights
        images = sorted(load_profile("sample").splits["train"].images.glob("*.jpg"))[:IMAGES]
        return compare(weights, images)


def compare(weights: Path, images: list[Path]) -> Outcome:
    """Check that all give the same, then time them in turn."""
    encoders, memory, features = {}, {}, {}
    for precision in ("auto", "float32"):  # the smaller first, as memory may stay with the process
        forget_peak()
        encoders[precision] = ClipEncoder(weights, precision=precision).drop_text()
        features[precision] = encoders[precision].encode_images(images)
        memory[precision] = peak_memory()
    model, preprocess = openai.load(str(weights), device="cpu")
    runs = {name: lambda encoder=encoder: encoder.encode_images(images) for name, encoder in encoders.items()}
    runs["literal"] = lambda: np.stack(
        [literal.encode(model, preprocess, Image.open(path)) for path in images]
    )
    expected = runs["literal"]()
    np.testing.assert_allclose(features["float32"], expected, atol=1e-4 * np.abs(expected).max())
    cosine = least_cosine(features["auto"], expected)
    assert cosine > 0.999, f"cosine {cosine}"
    times = alternate(runs, ROUNDS)
    flop = count_operations(encoders["float32"].model.visual)
    outcome = Outcome(
        notes=[f"CLIP: in the fastest format the cosine to the literal numbers is {cosine:.5f} or more."]
    )
    for precision in ("float32", "auto"):
        dtype = choose_dtype(precision, "cpu")
        name = str(dtype).removeprefix("torch.")
        outcome.rows.append(
            Row(
                f"CLIP ViT-B/32, {name}, decoding included",
                "images",
                len(images),
                walls(times[precision]),
                memory[precision],
                "clip.load, one image at a time, float32",
                walls(times["literal"]),
                f"matrix products in {name}",
                matmul_rate(dtype) / flop,
            )
        )
        each, busy = ([one / len(images) for one in column] for column in zip(*times[precision], strict=True))
        outcome.estimates.append(
            Estimate(f"CLIP, {name}", ALL_IMAGES + EVERYBODY, "images and crops", each, busy)
        )
    return outcome


def least_cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the smallest cosine of two tables' rows."""
    return float(((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min())


def count_operations(visual: torch.nn.Module) -> int:
    """Return the multiplications and additions of one image; attention's own products, 1 %, are not seen."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        visual(torch.zeros(1, 3, visual.input_resolution, visual.input_resolution))
    return counter.get_total_flops()
