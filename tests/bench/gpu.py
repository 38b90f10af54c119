"""Full-size networks with random weights on a GPU, where there is one: absolute times, waiting for it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bench import clip, pose
from bench.encoders import POSE_PIXELS, calm_network, cut_crops, input_pixels, load_persons, make_weights
from bench.formats import name_of
from bench.fullsize import ALL_IMAGES, EVERYBODY
from bench.machine import alternate, matmul_rate, walls
from bench.table import GIB, Estimate, Outcome, Row
from bench.training import EPOCHS, SEEDS, THESIS_EPOCHS, draw_sets, run_ours
from lib.clip_features import ClipEncoder
from lib.coco import BOX
from lib.crops import read_image
from lib.pose import PoseEstimator
from lib.precision import choose_dtype

IMAGES, PERSONS, ROUNDS = 1024, 256, 3


def measure() -> Outcome:
    """Time CLIP, pose and training on the GPU; without one say so."""
    if not torch.cuda.is_available():
        return Outcome(notes=["GPU: no GPU at hand; where CUDA finds one, this run measures on it, too."])
    pairs = [time_one(precision) for precision in ("float32", "auto") for time_one in (time_clip, time_pose)]
    rows, estimates = zip(*pairs, time_training(), strict=True)
    note = "GPU: times include copies there and back and waiting for it; the memory is its own."
    return Outcome(list(rows), list(estimates), notes=[note])


def time_clip(precision: str) -> tuple[Row, Estimate]:
    """Time CLIP on images that are decoded already."""
    with tempfile.TemporaryDirectory() as folder:
        weights = make_weights(Path(folder), cut_crops(*load_persons(1))).clip_weights
        operations = IMAGES * clip.count_operations(ClipEncoder(weights).model.visual)
        encoder = ClipEncoder(weights, device="cuda", precision=precision, batch_size=256).drop_text()
    shape = IMAGES, encoder.resolution, encoder.resolution, 3
    inputs = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    def run() -> None:
        for start in range(0, IMAGES, encoder.batch_size):
            encoder.encode_prepared(inputs[start : start + encoder.batch_size])

    name = f"GPU: CLIP ViT-B/32, {precision}"
    row, times = time_row(name, "images", IMAGES, run, operations, choose_dtype(precision, "cuda"))
    return row, Estimate(name, ALL_IMAGES + EVERYBODY, "images and crops", *(times / IMAGES).T.tolist())


def time_pose(precision: str) -> tuple[Row, Estimate]:
    """Time HigherHRNet-W32 with flip on people of real images, as many as there are."""
    people, folder = load_persons(PERSONS)
    crops = cut_crops(people, folder)
    pictures = {name: read_image(folder / name) for name in people["file_name"].unique()}
    images, boxes = [pictures[name] for name in people["file_name"]], people[BOX].to_numpy(float)
    network, pixels = calm_network(crops[:8]), input_pixels(crops)
    operations = pose.count_operations(network) * pixels / 512**2
    estimator = PoseEstimator(network=network, device="cuda", precision=precision, batch_size=32)

    def run() -> None:
        estimator.estimate(images, boxes)

    name = f"GPU: pose, HigherHRNet-W32 at 512 with flip, {precision}"
    row, times = time_row(name, "people", len(crops), run, operations, choose_dtype(precision, "cuda"))
    return row, Estimate(name, EVERYBODY, "people", *(times * POSE_PIXELS / pixels).T.tolist())


def time_training() -> tuple[Row, Estimate]:
    """Time three seeds in one pass, as a GPU trains them; the estimate is that of one arm."""
    sets, name = draw_sets(), f"GPU: training, {SEEDS} seeds, {EPOCHS} epochs"
    row, times = time_row(name, "run", 1, lambda: run_ours(sets, SEEDS, EPOCHS, "cuda"))
    each = (times / EPOCHS).T.tolist()
    return row, Estimate(f"GPU: an arm of {SEEDS} seeds", THESIS_EPOCHS, "epochs", *each)


def time_row(
    name: str,
    unit: str,
    count: int,
    run: Callable[[], None],
    operations: float = 0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Row, np.ndarray]:
    """Time one thing; return its row, and seconds (rounds, 2), wall and processor."""
    torch.cuda.reset_peak_memory_stats()
    run()  # the first run chooses kernels
    times = alternate({"ours": run}, ROUNDS)["ours"]
    memory = torch.cuda.max_memory_allocated() / GIB
    rate = matmul_rate(dtype, "cuda") * count / operations if operations else None
    limit = f"its matrix products in {name_of(dtype)}"
    return Row(name, unit, count, walls(times), memory, limit=limit, limit_rate=rate), np.array(times)
