"""HigherHRNet as a plug-in of MMPose 1.x, equal to MMPose 0.29: config, head, loss, aggregation of maps.

Cheng, Xiao, Wang, Shi, Huang, Zhang: HigherHRNet: Scale-Aware Representation Learning for Bottom-Up Human
Pose Estimation, CVPR 2020. MMPose dropped the model in 1.x; the backbone (HRNet) is still there and is used
as it is. Importing this module registers `AEHigherResolutionHead` and, through `associative_embedding`,
`HigherHRNetCodec`.
"""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.coco import FLIP_INDICES
from lib.higherhrnet.associative_embedding import HigherHRNetCodec, tag_loss
from lib.higherhrnet.checkpoints import read_checkpoint, use_strictly
from lib.higherhrnet.mmpose_parts import (
    KEYPOINT_CODECS,
    MODELS,
    BaseHead,
    BasicBlock,
    InstanceData,
    KeypointMSELoss,
)

# ImageNet statistics of red, green and blue, 0 to 255, that HRNet was trained with.
PIXEL_MEAN, PIXEL_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)

# Where a checkpoint's meta keeps the arguments of `higherhrnet_config`, for networks other than W32.
SETTINGS = "higherhrnet"


def higherhrnet_config(
    channels: tuple[int, ...] = (32, 64, 128, 256),
    modules: tuple[int, ...] = (1, 4, 3),
    blocks: int = 4,
    input_size: int = 512,
) -> dict:
    """Return the MMPose-style model config of HigherHRNet; the defaults are W32 at 512 x 512 for COCO.

    `channels` of the four resolutions, `modules` of stages 2 to 4, and residual `blocks` per branch and after
    the deconvolution are what a narrower network changes.
    """
    stages = {
        f"stage{number}": {
            "num_modules": count,
            "num_branches": number,
            "block": "BASIC",
            "num_blocks": (blocks,) * number,
            "num_channels": tuple(channels[:number]),
        }
        for number, count in zip((2, 3, 4), modules, strict=True)
    }
    stem = {
        "num_modules": 1,
        "num_branches": 1,
        "block": "BOTTLENECK",
        "num_blocks": (4,),
        "num_channels": (64,),
    }
    codec = {"type": "HigherHRNetCodec", "input_size": (input_size, input_size)}
    return {
        "type": "BottomupPoseEstimator",
        "data_preprocessor": {
            "type": "mmpose.PoseDataPreprocessor",
            "mean": list(PIXEL_MEAN),
            "std": list(PIXEL_STD),
            "bgr_to_rgb": True,
        },
        "backbone": {"type": "HRNet", "in_channels": 3, "extra": {"stage1": stem} | stages},
        "head": {
            "type": "AEHigherResolutionHead",
            "in_channels": channels[0],
            "num_keypoints": 17,
            "deconv_channels": channels[0],
            "num_basic_blocks": blocks,
            "decoder": codec,
        },
        "test_cfg": {"flip_test": True},
    }


def build_higherhrnet(config: dict | None = None) -> nn.Module:
    """Build the network of an MMPose-style config (default W32/512), in evaluation mode.

    Its weights are PyTorch's own random ones; `init_weights()` gives MMPose's.
    """
    model = MODELS.build(higherhrnet_config() if config is None else config)
    model.eval()  # HRNet.eval() returns None in MMPose 1.x, so this cannot be chained
    return model


def load_higherhrnet(weights: str | Path | None) -> nn.Module:
    """Build the network that a checkpoint belongs to and load it strictly; W32/512 where it does not say.

    None leaves random weights. Raises ValueError as `read_checkpoint` and `use_strictly` do.
    """
    if weights is None:
        return build_higherhrnet()
    checkpoint = read_checkpoint(weights)
    try:
        config = higherhrnet_config(**checkpoint["meta"].get(SETTINGS, {}))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{weights}: field meta.{SETTINGS} is not that of a HigherHRNet: {error}") from error
    model = build_higherhrnet(config)
    use_strictly(model, checkpoint["state_dict"], weights)
    return model


def save_higherhrnet(model: nn.Module, path: str | Path, **settings: Any) -> None:
    """Save a network of `higherhrnet_config(**settings)` for `load_higherhrnet`, kernels in 16 bits."""
    state = {name: value.half() if value.ndim == 4 else value for name, value in model.state_dict().items()}
    torch.save({"meta": {SETTINGS: settings}, "state_dict": state}, path)


@MODELS.register_module()
class AEHigherResolutionHead(BaseHead):
    """Heatmaps and tags at 1/4 of the input size, then, after a deconvolution, heatmaps at 1/2.

    The losses are weighted as in MMPose 0.29: heatmaps 1, pull and push `tag_loss_weight` each.
    """

    def __init__(
        self,
        in_channels: int,
        num_keypoints: int = 17,
        deconv_channels: int = 32,
        num_basic_blocks: int = 4,
        tag_loss_weight: float = 1e-3,
        decoder: dict | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(
            init_cfg
            or [
                {"type": "Normal", "layer": ["Conv2d", "ConvTranspose2d"], "std": 0.001},
                {"type": "Constant", "layer": "BatchNorm2d", "val": 1},
            ]
        )
        both = 2 * num_keypoints  # heatmaps, then tags
        upsample = nn.Sequential(
            nn.ConvTranspose2d(in_channels + both, deconv_channels, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(deconv_channels),
            nn.ReLU(inplace=True),
        )
        residual = [
            nn.Sequential(BasicBlock(deconv_channels, deconv_channels)) for _ in range(num_basic_blocks)
        ]
        # The nesting is 0.29's, so that its parameter names fit.
        self.deconv_layers = nn.ModuleList([nn.Sequential(upsample, *residual)])
        self.final_layers = nn.ModuleList(
            [nn.Conv2d(in_channels, both, 1), nn.Conv2d(deconv_channels, num_keypoints, 1)]
        )
        self.num_keypoints = num_keypoints
        self.tag_loss_weight = tag_loss_weight
        self.heatmap_loss = KeypointMSELoss()
        self.decoder: HigherHRNetCodec | None = KEYPOINT_CODECS.build(decoder) if decoder else None

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return the (B, 2K, h/4, w/4) heatmaps and tags and the (B, K, h/2, w/2) heatmaps."""
        features = feats[0]
        quarter = _apply(self.final_layers[0], features)
        upsampled = self.deconv_layers[0](torch.cat((features, quarter.to(features)), dim=1))
        return quarter, _apply(self.final_layers[1], upsampled)

    def predict(self, feats: Any, batch_data_samples: list, test_cfg: dict | None = None) -> list:
        """Decode the features of a batch into MMPose instances, keypoints in input pixels.

        `feats` holds the features of the images and, with `flip_test`, those of the mirrored images. The maps
        are projected to the `input_size` (w, h) of the first data sample. Raises ValueError for a head that
        was built without a decoder.
        """
        if self.decoder is None:
            raise ValueError("the head has no decoder; name one in the model's config")
        flipped = (test_cfg or {}).get("flip_test", False)
        outputs = [self.forward(one) for one in (feats if flipped else [feats])]
        meta = batch_data_samples[0].metainfo
        maps = aggregate_maps(
            *outputs, size=meta["input_size"], flip_indices=meta.get("flip_indices", FLIP_INDICES)
        )
        return [
            InstanceData(keypoints=keypoints, keypoint_scores=confidences, bbox_scores=scores)
            for keypoints, confidences, scores in zip(*self.decoder.batch_decode(*maps), strict=True)
        ]

    def loss(
        self, feats: tuple[Tensor, ...], batch_data_samples: list, train_cfg: dict | None = None
    ) -> dict:
        """Return the losses of a batch of MMPose data samples that hold what `HigherHRNetCodec` encodes."""
        fields = [sample.gt_fields for sample in batch_data_samples]
        levels = range(2)
        has_masks = all("heatmap_mask" in field for field in fields)
        return self.loss_by_targets(
            self.forward(feats),
            [torch.stack([field.heatmaps[level] for field in fields]) for level in levels],
            [sample.gt_instance_labels.keypoint_indices for sample in batch_data_samples],
            [torch.stack([field.heatmap_mask[level] for field in fields]) for level in levels]
            if has_masks
            else None,
        )

    def loss_by_targets(
        self,
        outputs: tuple[Tensor, Tensor],
        heatmaps: list[Tensor],
        keypoint_indices: list[Tensor],
        masks: list[Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Return `loss_kpt`, `loss_pull` and `loss_push` of the two outputs of `forward`.

        Per resolution, `heatmaps` (B, K, h, w) and `masks` (B, h, w), 0 where a pixel must not count; per
        image, `keypoint_indices` (people, K, 2).
        """
        predicted = [output[:, : self.num_keypoints] for output in outputs]
        heatmap_losses = [
            self.heatmap_loss(output, target, mask=None if mask is None else mask[:, None].to(target))
            for output, target, mask in zip(predicted, heatmaps, masks or (None, None), strict=True)
        ]
        pull, push = tag_loss(outputs[0][:, self.num_keypoints :], keypoint_indices)
        return {
            "loss_kpt": sum(heatmap_losses),
            "loss_pull": self.tag_loss_weight * pull,
            "loss_push": self.tag_loss_weight * push,
        }


def _apply(layer: nn.Module, features: Tensor) -> Tensor:
    # A final layer may be kept more precise than the rest: rounded maps have flat tops, and a top is a joint.
    return layer(features.to(next(layer.parameters()).dtype))


def aggregate_maps(
    outputs: tuple[Tensor, Tensor],
    outputs_of_mirrored: tuple[Tensor, Tensor] | None = None,
    *,
    size: tuple[int, int],
    flip_indices: tuple[int, ...] = FLIP_INDICES,
) -> tuple[Tensor, Tensor]:
    """Average heatmaps over the two resolutions and the mirrored image, at the input `size` (w, h).

    Outputs as of `AEHigherResolutionHead.forward` -> heatmaps (B, K, h, w) and tags (B, L*K, h, w), the
    mirrored image's tags after the image's: L is 1 or 2. Always float32, because decoding compares
    neighbouring pixels.
    """
    joints, mirrored_joints = outputs[1].shape[1], list(flip_indices)
    quarter, half = (output.float() for output in outputs)
    heat, tags = quarter[:, :joints], [quarter[:, joints:]]
    if outputs_of_mirrored is not None:
        quarter, half_mirrored = (output.float().flip(-1) for output in outputs_of_mirrored)
        # Bilinear upsampling is linear, so averaging before it halves its work.
        heat = (heat + quarter[:, :joints][:, mirrored_joints]) / 2
        half = (half + half_mirrored[:, mirrored_joints]) / 2
        tags.append(quarter[:, joints:][:, mirrored_joints])
    heatmaps = _project(heat, size).add_(_project(half, size)).div_(2)
    return heatmaps, _project(torch.cat(tags, dim=1), size)


def _project(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size=(int(size[1]), int(size[0])), mode="bilinear", align_corners=False)
