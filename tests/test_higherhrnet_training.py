"""Targets and loss of HigherHRNet: known values, the gradient of MMPose 1.x, one image learnt."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpose.datasets.transforms import BottomupGetHeatmapMask, GenerateTarget, PackPoseInputs
from reference import SMALLEST, build_by_rule

from lib.higherhrnet.associative_embedding import HigherHRNetCodec, tag_loss
from lib.higherhrnet.mmpose_parts import MODELS
from lib.higherhrnet.model import build_higherhrnet, higherhrnet_config


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
