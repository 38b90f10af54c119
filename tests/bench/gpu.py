"""Everything at full size with random weights on a GPU, where there is one: absolute times."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from bench import clip, pose
from bench.encoders import calm_network, cut_crops, input_pixels, load_persons, make_weights
from bench.formats import name_of
from bench.machine import alternate, forget_peak, matmul_rate, walls
from bench.table import GIB, Outcome, Row
from bench.training import EPOCHS, SEEDS, draw_sets, run_ours
from lib.clip_features import ClipEncoder
from lib.coco import BOX
from lib.crops import read_image
from lib.pose import PoseEstimator
from lib.precision import choose_dtype

IMAGES, PERSONS, ROUNDS = 1024, 256, 3


def measure() -> Outcome:
    """Time CLIP, pose and training on the GPU, waiting for it; without one say so."""
    if not torch.cuda.is_available():
        return Outcome(notes=["GPU: no GPU at hand; where CUDA finds one, this run measures on it, too."])
    rows = [row for precision in ("float32", "auto") for row in (time_clip(precision), time_pose(precision))]
    return Outcome(
        [*rows, time_training()], notes=["GPU: times include copies there and back and waiting for it."]
    )


def time_clip(precision: str) -> Row:
    """Time CLIP on images that are in memory, decoded."""
    with tempfile.TemporaryDirectory() as folder:
        weights = make_weights(Path(folder), cut_crops(*load_persons(1))).clip_weights
        flop = clip.count_operations(ClipEncoder(weights).model.visual)
        encoder = ClipEncoder(weights, device="cuda", precision=precision, batch_size=256).drop_text()
    size = encoder.resolution
    inputs = np.random.default_rng(0).integers(0, 256, (IMAGES, size, size, 3), dtype=np.uint8)

    def run() -> None:
        for start in range(0, IMAGES, encoder.batch_size):
            encoder.encode_prepared(inputs[start : start + encoder.batch_size])

    return time_row("CLIP ViT-B/32", precision, "images", IMAGES, run, flop)


def time_pose(precision: str) -> Row:
    """Time HigherHRNet-W32 on people of a few images, again and again."""
    people, folder = load_persons(PERSONS)
    crops = cut_crops(people, folder)
    pictures = {name: read_image(folder / name) for name in people["file_name"].unique()}
    images, boxes = [pictures[name] for name in people["file_name"]], people[BOX].to_numpy(float)
    network = calm_network(crops[:8])
    flop = pose.count_operations(network) * input_pixels(crops) / 512**2 / len(crops)
    estimator = PoseEstimator(network=network, device="cuda", precision=precision, batch_size=32)
    return time_row("pose", precision, "people", len(crops), lambda: estimator.estimate(images, boxes), flop)


def time_row(what: str, precision: str, unit: str, count: int, run: object, flop: float) -> Row:
    """Time one thing on the GPU; memory is the GPU's."""
    dtype = choose_dtype(precision, "cuda")
    torch.cuda.reset_peak_memory_stats()
    run()  # kernels are chosen in the first run
    times = walls(alternate({"ours": run}, ROUNDS)["ours"])
    name = name_of(dtype)
    limit = matmul_rate(dtype, "cuda") / flop
    memory = torch.cuda.max_memory_allocated() / GIB
    return Row(
        f"GPU: {what}, {name}",
        unit,
        count,
        times,
        memory,
        limit=f"its matrix products in {name}",
        limit_rate=limit,
    )


def time_training() -> Row:
    """Time three seeds in one pass, as a GPU trains them."""
    sets = draw_sets()
    forget_peak()
    run_ours(sets, SEEDS, 1, "cuda")
    torch.cuda.reset_peak_memory_stats()
    runs = {"ours": lambda: run_ours(sets, SEEDS, EPOCHS, "cuda")}
    times = walls(alternate(runs, ROUNDS)["ours"])
    memory = torch.cuda.max_memory_allocated() / GIB
    return Row(f"GPU: training, {SEEDS} seeds", "epochs of a seed", SEEDS * EPOCHS, times, memory)
