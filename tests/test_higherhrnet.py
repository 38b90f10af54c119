"""HigherHRNet against MMPose 0.29's stored numbers, literal versions of itself, and known answers."""

import hashlib
import json
import re
import subprocess
import sys
from collections import OrderedDict
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpose.datasets.transforms import BottomupGetHeatmapMask, GenerateTarget, PackPoseInputs
from reference import NARROW, SMALLEST, build_by_rule, decode_literally, names_of_0x, shared_path

from lib.higherhrnet.associative_embedding import HigherHRNetCodec, local_maxima, tag_loss
from lib.higherhrnet.checkpoints import load_strictly, read_checkpoint
from lib.higherhrnet.mmpose_parts import MODELS, batch_heatmap_nms
from lib.higherhrnet.model import (
    aggregate_maps,
    build_higherhrnet,
    higherhrnet_config,
    load_higherhrnet,
    save_higherhrnet,
)
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


# --- Loss and targets


def encode(keypoints, visible=None, size=(64, 64)) -> dict:
    return HigherHRNetCodec(size).encode(np.asarray(keypoints, dtype=np.float32), visible)


def test_targets_hold_a_peak_of_one_at_the_pixel_that_contains_the_joint():
    keypoints = np.random.default_rng(0).uniform(0, 64, (1, 17, 2))
    encoded = encode(keypoints)
    for heatmaps, stride in zip(encoded["heatmaps"], (4, 2), strict=True):
        assert heatmaps.shape == (17, 64 // stride, 64 // stride)
        for joint, (x, y) in enumerate(keypoints[0] // stride):
            assert heatmaps[joint].max() == heatmaps[joint, int(y), int(x)] == 1
    x, y = (keypoints[0] // 4).astype(int).T
    np.testing.assert_array_equal(encoded["keypoint_indices"][0, :, 0], y * 16 + x)
    assert (encoded["keypoint_indices"][..., 1] == 1).all()


def test_targets_leave_out_joints_outside_or_unlabelled():
    keypoints, visible = np.full((1, 17, 2), 30.0), np.ones((1, 17))
    keypoints[0, :4] = [[-0.1, 30], [30, 64], [1e6, 0], [-5, -5]]
    visible[0, 4] = 0
    encoded = encode(keypoints, visible)
    assert (encoded["keypoint_indices"][0, :, 1] == [0] * 5 + [1] * 12).all()
    assert all(
        (heatmaps[:5] == 0).all() and (heatmaps[5:].max((1, 2)) == 1).all()
        for heatmaps in encoded["heatmaps"]
    )


def perfect_outputs(encoded: dict, tag_step: float) -> tuple[torch.Tensor, torch.Tensor]:
    quarter, half = (torch.from_numpy(heatmaps.copy())[None] for heatmaps in encoded["heatmaps"])
    tags = torch.zeros_like(quarter)
    for person, indices in enumerate(encoded["keypoint_indices"]):
        tags.flatten(2)[0, np.arange(17), indices[:, 0]] = tag_step * person
    return torch.cat([quarter, tags], dim=1), half


def head_loss(outputs, encoded, masks=None) -> dict[str, float]:
    head = build_higherhrnet(higherhrnet_config(**SMALLEST)).head
    heatmaps = [torch.from_numpy(level)[None] for level in encoded["heatmaps"]]
    losses = head.loss_by_targets(outputs, heatmaps, [torch.from_numpy(encoded["keypoint_indices"])], masks)
    return {name: float(value) for name, value in losses.items()}


# Two persons on a diagonal grid, so that no two joints share a pixel.
TWO_PEOPLE = np.stack([np.stack([3.5 * np.arange(17) + 2, np.full(17, row)], axis=1) for row in (10.0, 50.0)])


def test_loss_of_the_perfect_answer_is_zero():
    encoded = encode(TWO_PEOPLE)
    assert head_loss(perfect_outputs(encoded, tag_step=30), encoded) == pytest.approx(
        {"loss_kpt": 0, "loss_pull": 0, "loss_push": 0}, abs=1e-9
    )


def test_loss_has_its_known_values():
    encoded = encode(TWO_PEOPLE)
    outputs = perfect_outputs(encoded, tag_step=1)
    assert head_loss(outputs, encoded)["loss_push"] == pytest.approx(1e-3 * 0.5 * np.exp(-1), rel=1e-5)
    outputs[0][:, 17:].flatten(2)[0, 0, encoded["keypoint_indices"][0, 0, 0]] += 17  # one joint of the first
    pull = np.mean(np.append(16.0, np.full(16, -1.0)) ** 2) / 2
    assert head_loss(outputs, encoded)["loss_pull"] == pytest.approx(1e-3 * pull, rel=1e-5)
    outputs[1].add_(0.5)
    outputs[0][:, :17].add_(1)
    assert head_loss(outputs, encoded)["loss_kpt"] == pytest.approx(1.25, rel=1e-5)
    masks = [torch.zeros(1, *output.shape[2:]) for output in outputs]
    assert head_loss(outputs, encoded, masks)["loss_kpt"] == 0


def test_images_without_people_cost_nothing_and_still_backpropagate():
    tags = torch.randn(2, 17, 4, 4, requires_grad=True)
    pull, push = tag_loss(
        tags, [torch.zeros(0, 17, 2, dtype=torch.long), torch.zeros(1, 17, 2, dtype=torch.long)]
    )
    (pull + push).backward()
    assert pull.item() == push.item() == 0
    assert (tags.grad == 0).all()


@given(seed=st.integers(0, 2**32 - 1), people=st.integers(0, 4))
@settings(max_examples=20, deadline=None)
def test_tag_loss_has_the_gradient_of_mmpose_1x(seed, people):
    rng = np.random.default_rng(seed)
    tags = torch.from_numpy(rng.normal(size=(1, 17, 6, 6))).requires_grad_()
    indices = torch.from_numpy(
        np.stack([rng.integers(36, size=(people, 17)), rng.integers(2, size=(people, 17))], -1)
    )
    gradients, push = [], []
    for loss in (tag_loss, MODELS.get("AssociativeEmbeddingLoss")(push_loss_factor=0.5)):
        parts = loss(tags, [indices])
        push.append(parts[1].item())
        total = parts[0] + parts[1]
        gradients.append(torch.autograd.grad(total, tags, allow_unused=True)[0])
    present = int((indices[..., 1].sum(dim=1) > 0).sum())
    assert push[1] - push[0] == pytest.approx(0.5 / (present - 1) if present > 1 else 0, rel=1e-4, abs=1e-6)
    expected = torch.zeros_like(tags) if gradients[1] is None else gradients[1]
    torch.testing.assert_close(gradients[0], expected, rtol=1e-4, atol=1e-6)


def test_gradient_reaches_every_parameter():
    model = build_by_rule(**SMALLEST)
    model.train()
    outputs = model.head(model.extract_feat(torch.randn(2, 3, 64, 64)))
    encoded = encode(TWO_PEOPLE)
    heatmaps = [torch.from_numpy(level)[None].expand(2, -1, -1, -1) for level in encoded["heatmaps"]]
    losses = model.head.loss_by_targets(
        outputs, heatmaps, [torch.from_numpy(encoded["keypoint_indices"])] * 2
    )
    losses["loss_pull"].backward(retain_graph=True)
    assert model.head.final_layers[0].weight.grad[17:].abs().sum() > 0
    sum(losses.values()).backward()
    without = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    # Nothing reads the lower resolutions of the last stage but the fused highest, so nothing may be left
    # over.
    assert without == []


def test_training_through_mmpose_pipeline_learns_one_image():
    torch.manual_seed(0)
    config = higherhrnet_config(**SMALLEST)
    config["head"]["tag_loss_weight"] = 1.0  # the usual 0.001 would take thousands of steps
    model = build_higherhrnet(config)
    model.train()
    image = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    results = {"img": image, "img_shape": (64, 64), "input_size": (64, 64), "keypoints": TWO_PEOPLE}
    results |= {"keypoints_visible": np.ones((2, 17), dtype=np.float32), "warp_mat": np.eye(2, 3)}
    transforms = [
        GenerateTarget({"type": "HigherHRNetCodec", "input_size": (64, 64)}),
        BottomupGetHeatmapMask(),
    ]
    for transform in [*transforms, PackPoseInputs(meta_keys=("input_size",))]:
        results = transform(results)
    inputs, samples = results["inputs"][None].float() / 255, [results["data_samples"]]
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    history = []
    for _ in range(120):
        losses = model.loss(inputs, samples)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
        history.append({name: value.item() for name, value in losses.items()})
    assert history[-1]["loss_kpt"] < 0.1 * history[0]["loss_kpt"]
    assert history[0]["loss_push"] > 0.1
    assert history[-1]["loss_push"] + history[-1]["loss_pull"] < 0.05


# --- Checkpoints


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return build_by_rule(**SMALLEST)


def state_of_0x(model) -> OrderedDict:
    pairs = zip(names_of_0x(model), model.state_dict().values(), strict=True)
    return OrderedDict((name, value.clone()) for name, value in pairs)


def save_official(folder: Path, content: dict, digits: str | None = None, zipped: bool = False) -> Path:
    """Save as MMPose 0.x publishes: name-<8 digits of the sha256>_<date>.pth, before 2020 without a zip."""
    draft = folder / "draft.pth"
    torch.save(content, draft, _use_new_zipfile_serialization=zipped)
    digits = digits or hashlib.sha256(draft.read_bytes()).hexdigest()[:8]
    return draft.rename(folder / f"higher_hrnet32_coco_512x512-{digits}_20200713.pth")


@pytest.mark.parametrize("zipped", [False, True])
def test_official_checkpoint_loads_every_tensor(model, tmp_path, zipped):
    meta = {
        "epoch": 300,
        "time": "Mon",
        "config": "model = 1",
        "best": np.float64(0.65),
        "CLASSES": ("person",),
    }
    path = save_official(tmp_path, {"meta": meta, "state_dict": state_of_0x(model)}, zipped=zipped)
    fresh = build_higherhrnet(higherhrnet_config(**SMALLEST))
    assert load_strictly(fresh, path) == meta
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name


def test_bare_state_dict_loads_too(model, tmp_path):
    torch.save(model.state_dict(), tmp_path / "bare.pth")
    assert load_strictly(build_higherhrnet(higherhrnet_config(**SMALLEST)), tmp_path / "bare.pth") == {}


def test_narrow_network_is_saved_with_its_settings_at_half_size(model, tmp_path):
    save_higherhrnet(model, tmp_path / "small.pth", **SMALLEST)
    loaded = load_higherhrnet(tmp_path / "small.pth")
    assert loaded.head.decoder.input_size == (64, 64)
    images = torch.randn(1, 3, 64, 64)
    for ours, theirs in zip(*(net.head(net.extract_feat(images)) for net in (loaded, model)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.05)
    assert (tmp_path / "small.pth").stat().st_size < 0.9 * 4 * sum(p.numel() for p in model.parameters())


def refuse(model, path: Path, *words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(path.name)) as caught:
        load_strictly(model, path)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_checkpoint_of_another_model_is_refused(model, tmp_path):
    for name, change in {
        "missing": lambda state: state.pop("keypoint_head.final_layers.0.bias"),
        "extra": lambda state: state.update({"backbone.left_over": torch.zeros(1)}),
        "shape": lambda state: state.update({"backbone.conv1.weight": torch.zeros(3)}),
    }.items():
        state = state_of_0x(model)
        change(state)
        torch.save({"state_dict": state}, tmp_path / f"{name}.pth")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    refuse(model, tmp_path / "missing.pth", "lacks head.final_layers.0.bias")
    refuse(model, tmp_path / "extra.pth", "backbone.left_over", "config")
    refuse(model, tmp_path / "shape.pth", "backbone.conv1.weight", "(3,)", "(64, 3, 3, 3)")
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_wrong_hash_absent_and_damaged_files_are_refused(model, tmp_path):
    good = save_official(tmp_path, {"state_dict": state_of_0x(model)})
    content = good.read_bytes()
    refuse(
        model, save_official(tmp_path, {"state_dict": state_of_0x(model)}, "8ae85183"), "8ae85183", "download"
    )
    refuse(model, tmp_path / "absent.pth", "no such checkpoint")
    for size in (0, 10, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.pth").write_bytes(content[:size])
        refuse(model, tmp_path / "cut.pth", "damaged")
    good.write_bytes(content[:-1])
    refuse(model, good, "sha256")
    for name, odd in {
        "list": [1],
        "nothing": {},
        "number": {"state_dict": {"a": 1}},
        "none": {"state_dict": None},
    }.items():
        torch.save(odd, tmp_path / f"{name}.pth")
        refuse(model, tmp_path / f"{name}.pth", "state_dict")


@settings(max_examples=60, deadline=None)
@given(data=st.data(), zipped=st.booleans())
def test_damaged_checkpoints_raise_only_value_errors_that_name_the_file(tmp_path_factory, data, zipped):
    folder = tmp_path_factory.mktemp("damaged")
    torch.save(
        {"meta": {"a": np.float64(1)}, "state_dict": {"w": torch.zeros(3)}},
        folder / "w.pth",
        _use_new_zipfile_serialization=zipped,
    )
    content = bytearray((folder / "w.pth").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "w.pth").write_bytes(content)
    problem = None
    try:
        read_checkpoint(folder / "w.pth")
    except ValueError as error:
        problem = str(error)
    assert problem is None or "w.pth" in problem


@pytest.mark.parametrize("meta", ["text", {"higherhrnet": {"chanels": 3}}, {"higherhrnet": 5}])
def test_odd_meta_is_refused(model, tmp_path, meta):
    torch.save({"meta": meta, "state_dict": state_of_0x(model)}, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=r"odd\.pth: field meta"):
        load_higherhrnet(tmp_path / "odd.pth")


class Touch:
    """A pickle that would run a command on loading."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return subprocess.check_call, ([sys.executable, "-c", f"open({str(self.path)!r}, 'w')"],)


def test_foreign_classes_are_refused_and_not_run(model, tmp_path):
    torch.save(
        {"meta": {"run": Touch(tmp_path / "ran")}, "state_dict": state_of_0x(model)}, tmp_path / "evil.pth"
    )
    refuse(model, tmp_path / "evil.pth", "check_call")
    assert not (tmp_path / "ran").exists()
    torch.save(
        {"meta": {"when": datetime(2020, 7, 13)}, "state_dict": state_of_0x(model)}, tmp_path / "date.pth"
    )
    refuse(model, tmp_path / "date.pth", "datetime")
    assert read_checkpoint(tmp_path / "date.pth", extra_types=(datetime,))["meta"]["when"].year == 2020


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
