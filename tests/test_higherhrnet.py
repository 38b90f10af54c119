"""HigherHRNet against MMPose 0.29's stored numbers, literal versions of itself, and known answers."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpose.datasets.transforms import PackPoseInputs
from reference import NARROW, build_by_rule, decode_literally, names_of_0x, shared_path

from lib.higherhrnet.associative_embedding import HigherHRNetCodec, local_maxima
from lib.higherhrnet.mmpose_parts import batch_heatmap_nms
from lib.higherhrnet.model import aggregate_maps, build_higherhrnet
from lib.pose.windows import InputWindow, input_window


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(shared_path("reference/higherhrnet_reference.npz")) as arrays:
        return dict(arrays)


def relative_error(ours: torch.Tensor, theirs: np.ndarray) -> float:
    assert ours.shape == theirs.shape
    return float(np.abs(ours.numpy() - theirs).max() / np.abs(theirs).max())


# --- The network, against MMPose 0.29


def test_w32_has_exactly_the_official_parameters():
    listed = json.loads(shared_path("reference/higherhrnet_w32_state_dict.json").read_text())
    assert len(listed) == 1810
    assert names_of_0x(build_higherhrnet()) == {name: tuple(shape) for name, shape in listed.items()}


def test_network_and_flip_test_give_the_stored_maps(stored):
    model, images = build_by_rule(**NARROW), torch.from_numpy(stored["net_input"])
    with torch.inference_mode():
        quarter, half = model.head(model.extract_feat(images))
        mirrored = model.head(model.extract_feat(images[:1].flip(-1)))
    heatmaps, tags = aggregate_maps((quarter[:1], half[:1]), mirrored, size=(192, 128))
    assert relative_error(quarter, stored["net_out_quarter"]) <= 1e-5
    assert relative_error(half, stored["net_out_half"]) <= 1e-5
    assert relative_error(heatmaps, stored["flip_heat"]) <= 1e-5
    assert relative_error(tags.unflatten(1, (2, 17)).permute(0, 2, 3, 4, 1), stored["flip_tags"]) <= 1e-5


def test_aggregation_without_flip_averages_the_two_resolutions():
    quarter, half = torch.full((1, 34, 4, 4), 2.0), torch.full((1, 17, 8, 8), 4.0)
    heatmaps, tags = aggregate_maps((quarter, half), size=(16, 16))
    assert heatmaps.shape == (1, 17, 16, 16)
    assert tags.shape == (1, 17, 16, 16)
    assert (heatmaps == 3).all()
    assert (tags == 2).all()


def test_model_predicts_in_image_pixels_through_mmpose(stored):
    model = build_by_rule(**NARROW)
    fields = {
        "input_size": (192, 128),
        "input_center": np.array([38, 60]),
        "input_scale": np.array([100, 180]),
    }
    pack = PackPoseInputs(meta_keys=tuple(fields))
    sample = pack({"img": np.zeros((128, 192, 3), np.uint8)} | fields)["data_samples"]
    with torch.inference_mode():
        predicted = model.predict(torch.from_numpy(stored["net_input"][:1]), [sample])[0].pred_instances
    ours = HigherHRNetCodec((192, 128)).decode_people(
        torch.from_numpy(stored["flip_heat"]), stack_tags(stored["flip_tags"])
    )[0]
    expected = ours.keypoints[..., :2] / [192, 128] * [100, 180] + [38, 60] - np.array([50, 90])
    assert len(expected) > 0
    np.testing.assert_allclose(predicted.keypoints, expected, atol=1e-3)
    np.testing.assert_allclose(predicted.bbox_scores, ours.scores, atol=1e-4)


# --- Decoding, against MMPose 0.29 and against a literal version


def stack_tags(tags: np.ndarray) -> torch.Tensor:
    """(B, K, H, W, L), as the reference stores them, to the (B, L*K, H, W) of MMPose 1.x."""
    return torch.from_numpy(tags.astype(np.float32)).permute(0, 4, 1, 2, 3).flatten(1, 2)


@pytest.mark.parametrize("case", range(5))
def test_decoding_gives_the_stored_people(stored, case):
    heatmaps = torch.from_numpy(stored[f"dec{case}_heat"].astype(np.float32))
    ours = HigherHRNetCodec((96, 128)).decode_people(heatmaps, stack_tags(stored[f"dec{case}_tags"]))[0]
    expected = stored[f"dec{case}_keypoints"]
    assert ours.keypoints.shape == expected.shape
    assert ours.found == len(expected) == (1, 2, 3, 7, 0)[case]
    np.testing.assert_allclose(ours.keypoints[..., :2], expected[..., :2], atol=0.01)
    np.testing.assert_allclose(ours.keypoints[..., 2], expected[..., 2], atol=1e-4)
    np.testing.assert_allclose(ours.scores, stored[f"dec{case}_scores"], atol=1e-4)
    window = InputWindow((96, 128), np.array([38, 60]), np.array([100, 180]))
    in_image = stored[f"dec{case}_image_keypoints"]
    np.testing.assert_allclose(window.to_image(ours.keypoints[..., :2]), in_image[..., :2], atol=0.01)


def draw_maps(seed: int, people: int, lost: float, depth: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw (17, H, W) heatmaps with a peak per joint not lost, and (17, H, W, 2) tags near people's."""
    rng = np.random.default_rng(seed)
    shape = (14, 18)
    heatmaps = 0.09 * rng.random((17, *shape), dtype=np.float32) - np.float32(depth)
    tags = rng.normal(0, 0.3, (17, *shape, 2)).astype(np.float32)
    for person in range(people):
        for joint in range(17):
            if rng.random() >= lost:
                y, x = rng.integers(shape[0]), rng.integers(shape[1])
                heatmaps[joint, y, x] = rng.uniform(0.05, 1)
                tags[joint, y, x] = 0.8 * person + rng.normal(0, 0.3, 2)
    return heatmaps, tags


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    people=st.integers(0, 5),
    lost=st.sampled_from([0, 0.3, 0.9]),
    depth=st.sampled_from([0, 0.1]),
)
def test_decoding_equals_its_literal_version(seed, people, lost, depth):
    heatmaps, tags = draw_maps(seed, people, lost, depth)
    expected, expected_scores = decode_literally(heatmaps, tags)
    maps = torch.from_numpy(heatmaps)[None], stack_tags(tags[None])
    every, best = (
        HigherHRNetCodec((18, 14)).decode_people(*maps, best_only=only)[0] for only in (False, True)
    )
    np.testing.assert_array_equal(every.keypoints, expected)
    np.testing.assert_allclose(every.scores, expected_scores, atol=1e-6)
    assert every.found == best.found == len(expected)
    if len(expected):
        np.testing.assert_array_equal(best.keypoints, every.keypoints[[every.scores.argmax()]])


@given(seed=st.integers(0, 2**32 - 1), kernel=st.sampled_from([3, 5]))
@settings(max_examples=25, deadline=None)
def test_peaks_are_those_of_mmpose(seed, kernel):
    heatmaps = torch.from_numpy(np.random.default_rng(seed).integers(-2, 4, (2, 3, 9, 11)).astype(np.float32))
    assert torch.equal(local_maxima(heatmaps, kernel), batch_heatmap_nms(heatmaps, kernel))


def test_equal_tags_of_two_candidates_make_one_person():
    heatmaps, tags = np.zeros((17, 16, 16), np.float32), np.zeros((17, 16, 16, 2), np.float32)
    heatmaps[0, 3, 3], heatmaps[0, 12, 12] = 0.9, 0.8
    found = HigherHRNetCodec((16, 16)).decode_people(
        torch.from_numpy(heatmaps)[None], stack_tags(tags[None])
    )[0]
    assert found.found == len(decode_literally(heatmaps, tags)[0]) == 1
    assert found.keypoints[0, 0, 2] == np.float32(0.8)


# --- The resize rule


def test_resize_table_is_exact(stored):
    for width, height, *expected in stored["resize_table"]:
        window = input_window(int(width), int(height))
        assert [*window.size, *window.center, *window.extent / 200] == pytest.approx(expected, rel=1e-12)


def test_resized_image_is_the_stored_one(stored):
    image = stored["resize_in"]
    window = input_window(image.shape[1], image.shape[0], 128)
    np.testing.assert_allclose(window.extent / 200, stored["resize_scale"])
    np.testing.assert_array_equal(window.center, stored["resize_center"])
    # Equal on the machine that wrote this; OpenCV's interpolation may round the last bit otherwise elsewhere.
    assert np.abs(window.warp(image).astype(int) - stored["resize_out"]).max() <= 1


@given(width=st.integers(1, 700), height=st.integers(1, 700), bound=st.sampled_from([None, 2**18, 2**20]))
def test_window_covers_the_image_within_its_bound(width, height, bound):
    window = input_window(width, height, 512, bound)
    assert all(side % 64 == 0 for side in window.size)
    assert bound is None or np.prod(window.size) <= bound or min(window.size) == 64
    assert bound is not None or min(window.size) == 512
    assert (window.extent >= np.array([width, height]) - 1e-9).all()
    corner = window.to_image(np.array(window.size))
    np.testing.assert_allclose(corner, window.center + window.extent / 2)


# --- Importing without compiled operators


def test_placeholder_leaves_no_trace_and_raises_on_use():
    pytest.importorskip("mmcv")
    code = """
import sys, lib.higherhrnet
from mmpose.models.heads.hybrid_heads import rtmo_head
from mmpose.models.heads.transformer_heads import edpose_head
for name in ("mmcv.ops", "mmdet", "mmdet.utils"):
    assert name not in sys.modules or getattr(sys.modules[name], "__file__", None), name
fakes = [edpose_head.MultiScaleDeformableAttention, rtmo_head.reduce_mean]
for fake in fakes:
    if fake.__module__.startswith("lib"):
        try:
            fake()
        except ImportError as error:
            assert "full mmcv" in str(error)
        else:
            raise AssertionError(fake)
"""
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-W", "error::UserWarning:mmcv", "-c", code], check=True, cwd=root)
