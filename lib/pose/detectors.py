"""The networks that find poses in pictures: HigherHRNet, bottom-up, and MMPose's top-down models."""

import copy
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import mmpose
import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging.history_buffer import HistoryBuffer
from torch import Tensor

from lib.higherhrnet.associative_embedding import HigherHRNetCodec, People
from lib.higherhrnet.checkpoints import load_strictly
from lib.higherhrnet.mmpose_parts import MODELS, fuse_conv_bn
from lib.higherhrnet.model import aggregate_maps
from lib.pose.windows import InputWindow, input_window, load_pixels
from lib.precision import choose_dtype, without_tf32

# model: its config among those that MMPose ships
TOP_DOWN_CONFIGS = {
    "hrnet_w32": "topdown_heatmap/coco/td-hm_hrnet-w32_8xb64-210e_coco-256x192.py",
    "simple_baseline": "topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py",
    "rtmpose": "rtmpose/coco/rtmpose-m_8xb256-420e_coco-256x192.py",
}

# What MMPose 1.x's own checkpoints may hold besides tensors and plain types: the training log.
TYPES_OF_1X = (
    HistoryBuffer,
    np.core.multiarray._reconstruct,  # type: ignore[attr-defined]  # not in NumPy's stubs
    np.ndarray,
)


class Detection(NamedTuple):
    """The pose found for one person; NaN where nobody was."""

    keypoints: np.ndarray  # (17, 3): x, y in pixels of the picture, confidence
    score: float
    found: int  # candidates that it was chosen from


def nobody(found: int = 0) -> Detection:
    """Return the detection of a person who was not found."""
    return Detection(np.full((17, 3), np.nan), np.nan, found)


class BottomUp:
    """HigherHRNet made ready to run: batch norm folded into the convolutions, channels last, any precision.

    `batch_size` counts pictures of the model's input size squared; larger inputs count by their pixels, one
    at least.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        *,
        flip: bool = True,
        precision: str = "float32",
        device: str = "cpu",
        batch_size: int = 4,
        max_pixels: int | None = None,
    ) -> None:
        head: Any = network.head
        self.codec: HigherHRNetCodec = head.decoder
        self.input_size = self.codec.input_size[0]
        self.flip, self.device, self.max_pixels = flip, device, max_pixels
        self.batch_pixels = batch_size * self.input_size**2
        self.dtype = choose_dtype(precision, device)
        folded = fuse_conv_bn(copy.deepcopy(network))
        folded.eval()
        self.network = folded.to(device=device, dtype=self.dtype, memory_format=torch.channels_last)
        self.network.head.final_layers.float()  # cheap, and decoding compares neighbouring pixels

    def detect(self, pictures: list[np.ndarray], best_only: bool) -> list[People]:
        """Return the people of each RGB picture, in its pixels; `best_only`: who has the largest score."""
        windows = [self.window(picture) for picture in pictures]
        return self.detect_in(windows, lambda i: windows[i].warp(pictures[i]), best_only)

    def window(self, picture: np.ndarray) -> InputWindow:
        """Return where the network's input lies in an (h, w, 3) picture."""
        height, width = picture.shape[:2]
        return input_window(width, height, self.input_size, self.max_pixels)

    def detect_in(
        self, windows: list[InputWindow], warped: Callable[[int], np.ndarray], best_only: bool
    ) -> list[People]:
        """Return the people in each window as `detect` does; `warped` gives the pixels of one, by its place.

        A second thread decodes one batch while the network computes the next. Each picture is computed at its
        own input size, never padded to another's, so the result does not depend on the batch.
        """
        people: dict[int, People] = {}
        pending: deque[tuple[list[int], Future[list[People]]]] = deque()
        with ThreadPoolExecutor(max_workers=1) as decoder:
            for batch in _batches([window.size for window in windows], self.batch_pixels):
                maps = self._run([warped(i) for i in batch])
                pending.append(
                    (batch, decoder.submit(self._decode, maps, [windows[i] for i in batch], best_only))
                )
                while len(pending) > 1:  # the maps of many waiting batches would fill the memory
                    _collect(people, *pending.popleft())
            for done in pending:
                _collect(people, *done)
        return [people[position] for position in range(len(windows))]

    @without_tf32()
    @torch.inference_mode()
    def _run(self, images: list[np.ndarray]) -> tuple[Tensor, Tensor]:
        """Return the maps of images of one size at both resolutions, the mirrored ones after them."""
        pixels = load_pixels(images).to(self.device, self.dtype)
        if self.flip:
            pixels = torch.cat([pixels, pixels.flip(-1)])
        features = self.network.extract_feat(pixels.contiguous(memory_format=torch.channels_last))
        return self.network.head(features)

    @torch.inference_mode()
    def _decode(
        self, maps: tuple[Tensor, Tensor], windows: list[InputWindow], best_only: bool
    ) -> list[People]:
        # Picture by picture: projected to the input size, the maps of one 512 x 512 crop take 53 MB.
        (quarter, half), step = maps, len(windows)
        return [
            self._decode_one((quarter[i::step], half[i::step]), window, best_only)
            for i, window in enumerate(windows)
        ]

    def _decode_one(self, maps: tuple[Tensor, Tensor], window: InputWindow, best_only: bool) -> People:
        quarter, half = maps
        mirrored = (quarter[1:], half[1:]) if self.flip else None
        projected = aggregate_maps((quarter[:1], half[:1]), mirrored, size=window.size)
        people = self.codec.decode_people(*projected, best_only=best_only)[0]
        keypoints = people.keypoints.astype(np.float64)
        keypoints[..., :2] = window.to_image(keypoints[..., :2])
        return people._replace(keypoints=keypoints)


def _batches(sizes: list[tuple[int, int]], batch_pixels: int) -> Iterator[list[int]]:
    """Yield the positions of inputs of one size, as many at a time as have `batch_pixels` pixels, or one."""
    by_size: dict[tuple[int, int], list[int]] = {}
    for position, size in enumerate(sizes):
        by_size.setdefault(size, []).append(position)
    for (width, height), positions in by_size.items():
        count = max(1, batch_pixels // (width * height))
        yield from (positions[start : start + count] for start in range(0, len(positions), count))


def _collect(people: dict[int, People], batch: list[int], job: Future[list[People]]) -> None:
    people.update(zip(batch, job.result(), strict=True))


class TopDown:
    """A top-down model of MMPose, from the config that it ships: one pose per box, always found."""

    def __init__(
        self, model: str, weights: str | Path | None, *, device: str = "cpu", batch_size: int = 4
    ) -> None:
        if model not in TOP_DOWN_CONFIGS:
            raise ValueError(f"model is 'higherhrnet' or one of {', '.join(TOP_DOWN_CONFIGS)}, got {model!r}")
        # MMPose's inference API takes seconds to import, and only top-down models need it.
        from mmpose.apis import inference_topdown
        from mmpose.datasets.datasets.utils import parse_pose_metainfo

        shipped = Path(mmpose.__file__).parent / ".mim" / "configs"
        config = Config.fromfile(shipped / "body_2d_keypoint" / TOP_DOWN_CONFIGS[model])
        config.model.backbone.init_cfg = None  # would download ImageNet weights
        config.model.backbone.pop(
            "_scope_", None
        )  # RTMPose names mmdet's copy of a backbone that mmpose has too
        config.model.data_preprocessor.type = "mmpose.PoseDataPreprocessor"
        self.network = MODELS.build(config.model)
        if weights is not None:
            load_strictly(self.network, weights, TYPES_OF_1X)
        self.network.to(device)
        self.network.eval()
        self.network.cfg = config
        self.network.dataset_meta = parse_pose_metainfo(
            {"from_file": str(shipped / "_base_/datasets/coco.py")}
        )
        self.batch_size, self._infer = batch_size, inference_topdown

    def detect(self, picture: np.ndarray, boxes: np.ndarray) -> list[Detection]:
        """Return the pose in each box (x, y, w, h) of an RGB picture, in its pixels; sides are 1 at least."""
        boxes = np.concatenate([boxes[:, :2], np.maximum(boxes[:, 2:], 1)], axis=1).astype(np.float32)
        image = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        detections = []
        for start in range(0, len(boxes), self.batch_size):
            with without_tf32(), warnings.catch_warnings():
                warnings.filterwarnings(
                    "ignore", r"`torch\.cuda\.amp", FutureWarning
                )  # MMPose's, of no effect
                samples = self._infer(self.network, image, boxes[start : start + self.batch_size], "xywh")
            for sample in samples:
                found = sample.pred_instances
                keypoints = np.column_stack([found.keypoints[0], found.keypoint_scores[0]]).astype(np.float64)
                detections.append(Detection(keypoints, float(keypoints[:, 2].mean()), 1))
        return detections
