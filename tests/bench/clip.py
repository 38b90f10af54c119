"""CLIP ViT-B/32 with random weights, on whole images."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from bench import literal_encoders
from bench.encoders import cut_crops, load_persons, make_weights
from bench.formats import formats, make_estimates, make_rows
from bench.fullsize import ALL_IMAGES, EVERYBODY
from bench.machine import alternate, forget_peak, peak_memory
from bench.table import Outcome
from lib.clip_features import ClipEncoder
from lib.clip_features.weights import openai
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
    runs, memory, features = {}, {}, {}
    for precision in formats():
        forget_peak()
        encoder = ClipEncoder(weights, precision=precision).drop_text()
        runs[precision] = lambda encoder=encoder: encoder.encode_images(images)
        features[precision] = runs[precision]()
        memory[precision] = peak_memory()
    model, preprocess = openai.load(str(weights), device="cpu")
    opened = (Image.open(path) for path in images)
    expected = np.stack([literal_encoders.encode(model, preprocess, image) for image in opened])
    np.testing.assert_allclose(features["float32"], expected, atol=1e-4 * np.abs(expected).max())
    cosine = min(least_cosine(found, expected) for found in features.values())
    assert cosine > 0.999, f"cosine {cosine}"
    runs["literal"] = lambda: [
        literal_encoders.encode(model, preprocess, Image.open(path)) for path in images
    ]
    times = alternate(runs, ROUNDS)
    what, way = "CLIP ViT-B/32, decoding included", "clip.load, one image at a time"
    operations = len(images) * count_operations(model.visual)
    return Outcome(
        make_rows(what, "images", len(images), times, memory, way, operations),
        make_estimates("CLIP", ALL_IMAGES + EVERYBODY, "images and crops", times, 1 / len(images)),
        notes=[f"CLIP: the cosine to the literal numbers is {cosine:.5f} or more in every format."],
    )


def least_cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the smallest cosine of two tables' rows."""
    return float(((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min())


def count_operations(visual: torch.nn.Module) -> int:
    """Return the multiplications and additions of one image; attention's own products, 1 %, are not seen."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        visual(torch.zeros(1, 3, visual.input_resolution, visual.input_resolution))
    return counter.get_total_flops()
