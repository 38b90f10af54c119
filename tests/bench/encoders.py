"""Full-size networks with random weights, and people for them to see."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from reference import build_by_rule
from test_features import real_persons

from bench.machine import apart
from lib.clip_features.weights import CLIP
from lib.coco import BOX, FLIP_INDICES, KEYPOINTS
from lib.crops import cut, grow_box, read_image
from lib.higherhrnet.associative_embedding import local_maxima
from lib.higherhrnet.model import aggregate_maps, save_higherhrnet
from lib.pose.windows import input_window, load_pixels
from lib.profiles import ROOT, Profile, load_profile
from lib.vcoco import load_profile_people

POSE_PIXELS = 437_661  # of HigherHRNet's input, mean over the 11,570 people of V-COCO's train and test
VIT_B_32 = {
    "embed_dim": 512,
    "image_resolution": 224,
    "vision_layers": 12,
    "vision_width": 768,
    "vision_patch_size": 32,
    "context_length": 77,
    "vocab_size": 49408,
    "transformer_width": 512,
    "transformer_heads": 8,
    "transformer_layers": 12,
}


def load_persons(count: int) -> tuple[pd.DataFrame, Path]:
    """Return people and the folder of their images: real ones beside the checkout, else the sample's."""
    folder = ROOT.parent / "shared" / "vcoco"
    if folder.is_dir():
        return real_persons(folder).head(count), folder / "images"
    profile = load_profile("sample")
    people = load_profile_people(profile).query("split == 'test'")
    return people.head(count), profile.splits["test"].images


def cut_crops(people: pd.DataFrame, images: Path) -> list[np.ndarray]:
    """Return each person's crop, as the thesis cuts it."""
    pictures = [read_image(images / name) for name in people["file_name"]]
    boxes = people[BOX].to_numpy(float)
    return [cut(one, grow_box(box, *one.shape[1::-1])) for one, box in zip(pictures, boxes, strict=True)]


def input_pixels(crops: list[np.ndarray]) -> int:
    """Return how many pixels HigherHRNet's inputs of these crops have together."""
    return sum(int(np.prod(input_window(crop.shape[1], crop.shape[0]).size)) for crop in crops)


def make_weights(folder: Path, crops: list[np.ndarray]) -> Profile:
    """Save full-size networks with random weights; return the sample's profile with these."""
    paths = {"clip_weights": folder / "random.pt", "pose_weights": folder / "random.pth"}
    apart(save_weights, *paths.values(), crops)
    return replace(load_profile("sample"), **paths)


def save_weights(clip: Path, pose: Path, crops: list[np.ndarray]) -> None:
    """Save a ViT-B/32 as OpenAI does, in 16 bits, and a HigherHRNet that is calm on these crops."""
    torch.manual_seed(0)
    torch.save({name: tensor.half() for name, tensor in CLIP(**VIT_B_32).state_dict().items()}, clip)
    save_higherhrnet(calm_network(crops), pose)


@torch.inference_mode()
def calm_network(crops: list[np.ndarray]) -> torch.nn.Module:
    """Build a HigherHRNet that finds one or two people in each crop, as one with real weights does.

    Random maps have hundreds of peaks, of which decoding would make as many people. All tags are made 0, so
    that any two joints go together, and heatmaps are shifted until at most two peaks of a joint are over the
    threshold.
    """
    network, thirds = build_by_rule(), []
    quarter, half = network.head.final_layers
    quarter.weight[len(KEYPOINTS) :], quarter.bias[len(KEYPOINTS) :] = 0, 0
    for crop in crops:
        window = input_window(crop.shape[1], crop.shape[0])
        pixels = load_pixels([window.warp(crop)])
        outputs = [network.head(network.extract_feat(one)) for one in (pixels, pixels.flip(-1))]
        heatmaps, _ = aggregate_maps(*outputs, size=window.size)
        peaks = local_maxima(heatmaps - heatmaps.min() + 1, 5) + heatmaps.min() - 1  # peaks may be negative
        thirds.append(peaks.flatten(2).topk(3)[0][0, :, 2])
    shift = 0.1 - torch.stack(thirds).amax(dim=0)
    # The quarter's maps feed the deconvolution, so only the half's, which count by half, can be shifted.
    half.bias += 2 * torch.minimum(shift, shift[list(FLIP_INDICES)])
    return network
