"""Train the sample's small HigherHRNet on freshly drawn scenes, within an hour on 2 cores.

    python data/sample/train_pose.py [--minutes 38] [--scenes 8000] [--output FILE]

Writes higherhrnet_small.pth. The scenes' seeds are apart from those of the sample's people. Each person is a
training crop, as the thesis crops: box + 20 px, at the size of `lib.pose.windows.input_window`, so that
training sees what inference will see.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from training import draw_examples, draw_numbered, read_options, train_for

from lib.coco import FLIP_INDICES
from lib.crops import grow_box
from lib.files import write_whole
from lib.higherhrnet.associative_embedding import HigherHRNetCodec
from lib.higherhrnet.model import build_higherhrnet, higherhrnet_config, save_higherhrnet
from lib.pose.windows import input_window, load_pixels

SEED = 77  # draw.py draws with 2014
SETTINGS = {"channels": (16, 32, 48, 64), "modules": (1, 1, 1), "blocks": 1, "input_size": 128}
SMALLEST = 40  # visible pixels of a person worth training on
LONGEST = 256  # input pixels; people in longer crops are cut off, as many are anyway
BATCH_PIXELS = 16 * 128 * 192
LEARNING_RATE = 2e-3


@dataclass(frozen=True)
class Example:
    """One person's surroundings: RGB pixels (h, w, 3), the box (x, y, w, h) in them, everybody's joints."""

    pixels: np.ndarray
    box: np.ndarray
    keypoints: np.ndarray  # (people, 17, 3): x, y, visibility; 0 unlabelled


def main() -> None:
    options = read_options(__doc__, minutes=38, scenes=8000, output="higherhrnet_small.pth")
    torch.manual_seed(SEED)
    examples = draw_examples(examples_of_scene, options.scenes)
    model = build_higherhrnet(higherhrnet_config(**SETTINGS)).to(memory_format=torch.channels_last)
    for layer in model.head.final_layers:  # start from empty maps, as most pixels are empty
        nn.init.normal_(layer.weight, std=0.001)
        nn.init.zeros_(layer.bias)
    train(model, examples, options.minutes * 60, options.output.with_suffix(".part"))
    with write_whole(options.output) as path:
        save_higherhrnet(model, path, **SETTINGS)
    options.output.with_suffix(".part").unlink(missing_ok=True)  # none where the training was short
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


def examples_of_scene(number: int) -> list[Example]:
    """Draw one scene, its activity by the weights of `ACTIVITIES`, and return its people."""
    _, scene = draw_numbered(SEED, number)
    people = [instance for instance in scene.instances if instance.keypoints is not None]
    keypoints = np.array([person.keypoints for person in people])
    height, width = scene.picture.shape[:2]
    examples = []
    for person in people:
        if person.mask.sum() < SMALLEST:
            continue
        rows, columns = np.nonzero(person.mask)
        box = np.array([columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1], dtype=float)
        x, y, w, h = grow_box(box, width, height, pad=60)
        moved = keypoints - [x, y, 0]
        inside = (moved[..., 0] >= 0) & (moved[..., 0] < w) & (moved[..., 1] >= 0) & (moved[..., 1] < h)
        moved[..., 2] *= inside
        shown = moved[moved[..., 2].any(axis=1)]
        examples.append(Example(scene.picture[y : y + h, x : x + w].copy(), box - [x, y, 0, 0], shown))
    return examples


def train(model: nn.Module, examples: list[Example], seconds: float, kept: Path) -> None:
    """Train for a given time with Adam and a cosine learning rate; batches hold crops of one input size."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=1e-4)
    model.train()
    model.backbone.train()  # HRNet.train() returns None in MMPose 1.x, not that it failed
    train_for(
        seconds,
        model,
        optimiser,
        lambda step: batches(examples, np.random.default_rng([SEED, step])),
        lambda pixels, targets, indices: loss_of(model, pixels, targets, indices),
        kept,
    )


def loss_of(model: nn.Module, pixels: Tensor, targets: list[Tensor], indices: list[Tensor]) -> Tensor:
    """Return the loss of a batch; the network in bfloat16 where the processor has it, the loss in float32."""
    with torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported()):
        outputs = model.head(model.backbone(pixels.contiguous(memory_format=torch.channels_last)))
    return sum(model.head.loss_by_targets([output.float() for output in outputs], targets, indices).values())


def batches(examples: list[Example], rng: np.random.Generator):
    """Yield endless batches (pixels, heatmaps per resolution, joint indices), each of one input size."""
    waiting: dict[tuple[int, int], list] = {}
    while True:
        for i in rng.permutation(len(examples)):
            size, item = augment(examples[i], rng)
            waiting.setdefault(size, []).append(item)
            if len(waiting[size]) * size[0] * size[1] >= BATCH_PIXELS:
                yield collate(waiting.pop(size), size)


def augment(example: Example, rng: np.random.Generator) -> tuple[tuple[int, int], tuple]:
    """Mirror, shift, scale, turn and recolour an example into its input window."""
    pixels, keypoints = example.pixels, example.keypoints.copy()
    height, width = pixels.shape[:2]
    crop = grow_box(example.box, width, height, pad=20)
    window = input_window(crop[2], crop[3], SETTINGS["input_size"])
    size = tuple(min(side, LONGEST) for side in window.size)
    center = crop[:2] + window.center + rng.normal(0, 0.04, 2) * crop[2:]
    scale = window.size[0] / window.extent[0] * rng.uniform(0.8, 1.2)
    matrix = cv2.getRotationMatrix2D(tuple(map(float, center)), rng.normal(0, 10), scale)
    matrix[:, 2] += np.array(size) / 2 - center
    points = keypoints[..., :2] @ matrix[:, :2].T + matrix[:, 2]
    view = cv2.warpAffine(pixels, matrix, size)
    if rng.random() < 0.5:
        view = view[:, ::-1]
        points[..., 0] = size[0] - points[..., 0]
        points, keypoints = points[:, FLIP_INDICES], keypoints[:, FLIP_INDICES]
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3)
    view = np.clip(view * gain + rng.uniform(-15, 15), 0, 255).astype(np.uint8)
    return size, (view, points, keypoints[..., 2] > 0)


def collate(items: list[tuple], size: tuple[int, int]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Stack a batch and draw its targets."""
    codec = HigherHRNetCodec(input_size=size)
    encoded = [
        codec.encode(points.astype(np.float32), visible.astype(np.float32)) for _, points, visible in items
    ]
    heatmaps = [torch.from_numpy(np.stack([one["heatmaps"][level] for one in encoded])) for level in range(2)]
    indices = [torch.from_numpy(one["keypoint_indices"]).long() for one in encoded]
    return load_pixels([view for view, _, _ in items]), heatmaps, indices


if __name__ == "__main__":
    main()
