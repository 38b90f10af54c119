"""Fusion models: what each computes, people and joints without a pose, seeds, disk, size."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import linear

from lib.models import (
    ActionMLP,
    ConcatFusion,
    FiLM,
    GatedFusion,
    LateFusion,
    LinearProbe,
    count_parameters,
    fit,
    load_weights,
    match_hidden,
    predict,
    save_weights,
    take_seeds,
)
from lib.models.pose_encoders import POSE_ENCODERS, PoseTransformer
from lib.models.seeded import seed_weights

CLIP, JOINTS, HIDDEN, VERBS = 12, 17, 32, 5
WIDTH = CLIP + 3 * JOINTS
KINDS = [ConcatFusion, LateFusion, GatedFusion, FiLM]
EVERY = [
    pytest.param(partial(kind, WIDTH, clip_features=CLIP, pose=pose), id=f"{kind.__name__}-{pose}")
    for kind in KINDS
    for pose in POSE_ENCODERS
]
SMALL = {"hidden": HIDDEN, "verbs": VERBS}
every_model = pytest.mark.parametrize("make", EVERY)


def draw_people(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw features, a third of the joints and the first person's whole pose missing (all 0), and labels."""
    rng = np.random.default_rng(seed)
    clip = rng.standard_normal((count, CLIP))
    joints = rng.uniform(0.1, 1, (count, JOINTS, 3)) * (rng.random((count, JOINTS, 1)) < 2 / 3)
    joints[0] = 0
    features = np.concatenate([clip, joints.reshape(count, -1)], axis=1).astype(np.float32)
    return features, rng.random((count, VERBS)) < 0.3


def joints_of(features: np.ndarray) -> np.ndarray:
    """Return a view (n, joints, 3) of the pose."""
    return features[:, CLIP:].reshape(-1, JOINTS, 3)


def replaced(features: np.ndarray, joints: np.ndarray) -> np.ndarray:
    return np.concatenate([features[:, :CLIP], joints.reshape(len(joints), -1)], axis=1)


def same_bits(one: nn.Module, other: nn.Module) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


# --- What each computes


def literal_late(w, clip, pose):
    for i in (0, 2):
        clip = linear(clip, w[f"clip_layers.{i}.weight"].T, w[f"clip_layers.{i}.bias"][0]).relu()
    clip = linear(clip, w["clip_layers.4.weight"].T, w["clip_layers.4.bias"][0])
    return clip + linear(pose, w["pose_layer.weight"].T, w["pose_layer.bias"][0])


def literal_concat(w, clip, pose):
    hidden = torch.cat([clip, pose])
    for i in (0, 2):
        hidden = linear(hidden, w[f"layers.{i}.weight"].T, w[f"layers.{i}.bias"][0]).relu()
    return linear(hidden, w["layers.4.weight"].T, w["layers.4.bias"][0])


def literal_film(w, clip, pose):
    hidden = linear(clip, w["clip_layer.weight"].T, w["clip_layer.bias"][0])
    modulation = linear(pose, w["modulation.weight"].T, w["modulation.bias"][0])
    units = [(1 + modulation[i]) * hidden[i] + modulation[HIDDEN + i] for i in range(HIDDEN)]
    return literal_head(w, torch.stack(units).relu())


def literal_gated(w, clip, pose, score):
    hidden = linear(clip, w["clip_layer.0.weight"].T, w["clip_layer.0.bias"][0]).relu()
    answer = (clip * w["gate.weight"][:-1, 0]).sum() + score * w["gate.weight"][-1, 0] + w["gate.bias"][0, 0]
    return literal_head(w, torch.cat([hidden, pose / (1 + torch.exp(-answer))]))


def literal_head(w, hidden):
    hidden = linear(hidden, w["head.0.weight"].T, w["head.0.bias"][0]).relu()
    return linear(hidden, w["head.2.weight"].T, w["head.2.bias"][0])


@pytest.mark.parametrize("pose", POSE_ENCODERS)
@pytest.mark.parametrize(
    ("kind", "literal"),
    [
        (ConcatFusion, literal_concat),
        (LateFusion, literal_late),
        (GatedFusion, literal_gated),
        (FiLM, literal_film),
    ],
)
def test_every_person_s_logits_are_those_of_the_formula(kind, literal, pose):
    features, _ = draw_people(6)
    model = kind(WIDTH, 2, clip_features=CLIP, pose=pose, **SMALL)
    logits, joints = predict(model, features), torch.from_numpy(joints_of(features))
    encoded = model.encoder(joints.expand(2, -1, -1, -1)).detach()
    for seed in range(2):
        weights = seed_weights(model, seed)
        for person in range(1, 6):
            score = [joints[person, :, 2].mean()] if kind is GatedFusion else []
            clip = torch.from_numpy(features[person, :CLIP])
            expected = literal(weights, clip, encoded[seed, person], *score)
            np.testing.assert_allclose(logits[seed, person], expected, atol=1e-5)


def test_attention_is_that_of_torch_s_own_transformer():
    joints = torch.from_numpy(joints_of(draw_people(9)[0]))
    encoder = PoseTransformer(JOINTS, [torch.Generator().manual_seed(seed) for seed in range(3)])
    with torch.no_grad():
        for values in encoder.parameters():  # norms start as 1 and 0, which would hide a mistake
            values += 0.1 * torch.randn(values.shape, generator=torch.Generator().manual_seed(0))
        ours = encoder(joints.expand(3, -1, -1, -1))
        for seed in range(3):
            np.testing.assert_allclose(ours[seed], torch_s_transformer(encoder, seed, joints), atol=2e-5)


def torch_s_transformer(encoder: PoseTransformer, seed: int, joints: torch.Tensor) -> torch.Tensor:
    """Encode joints (n, joints, 3) by `nn.TransformerEncoder` with the weights of one seed."""
    ours = {name: values[seed] for name, values in encoder.state_dict().items()}
    layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0, batch_first=True, norm_first=True)
    theirs = nn.TransformerEncoder(layer, 2, nn.LayerNorm(64), enable_nested_tensor=False).eval()
    names = {"norms.0": "norm1", "norms.1": "norm2", "mlp.0": "linear1", "mlp.2": "linear2"}
    names |= {"queries_keys_values": "self_attn.in_proj", "output": "self_attn.out_proj"}
    state = {f"norm.{part}": ours[f"norm.{part}"][0] for part in ("weight", "bias")}
    for i in range(2):
        for mine, name in names.items():
            weight, bias = ours[f"blocks.{i}.{mine}.weight"], ours[f"blocks.{i}.{mine}.bias"][0]
            joined = "_" if name.endswith("in_proj") else "."
            state[f"layers.{i}.{name}{joined}weight"] = weight[0] if "norms" in mine else weight.T
            state[f"layers.{i}.{name}{joined}bias"] = bias
    theirs.load_state_dict(state)
    tokens = linear(joints, ours["project.weight"].T, ours["project.bias"][0]) + ours["embedding"][1:]
    summary = ours["embedding"][:1].expand(len(joints), 1, -1)
    missing = nn.functional.pad(joints[..., 2] == 0, (1, 0), value=False)
    return theirs(torch.cat([summary, tokens], dim=1), src_key_padding_mask=missing)[:, 0]


@every_model
def test_both_inputs_and_every_weight_are_learnt_from(make):
    model = make(n_seeds=2, **SMALL)
    x = torch.from_numpy(draw_people(40)[0]).expand(2, -1, -1).clone().requires_grad_()
    model(x).square().sum().backward()
    for part in (x.grad[..., :CLIP], joints := x.grad[..., CLIP:].unflatten(-1, (JOINTS, 3))):
        assert (part.abs().sum(dim=(1, *range(2, part.ndim))) > 0).all()
    found = x[..., CLIP:].unflatten(-1, (JOINTS, 3))[..., 2] > 0
    assert (joints[~found] == 0).all()
    for name, values in model.named_parameters():
        assert len(values) == 2, name
        assert (values.grad.abs().flatten(1).sum(dim=1) > 0).all(), name


# --- Joints and people that are missing


@every_model
def test_a_person_without_a_pose_has_logits_of_clip_alone(make):
    features, _ = draw_people(30)
    joints = joints_of(features).copy()
    joints[:, :, 2] = 0
    model = make(n_seeds=2, **SMALL)
    without = predict(model, replaced(features, 0 * joints))
    assert np.isfinite(without).all()
    np.testing.assert_array_equal(predict(model, replaced(features, joints)), without)
    changed = np.abs(predict(model, features) - without).max(axis=(0, 2)) > 1e-6
    assert changed.tolist() == [False] + [True] * 29
    assert np.abs(without[:, 0] - without[:, 1]).max() > 1e-3


@every_model
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_what_a_missing_joint_says_changes_nothing(make, seed):
    features, _ = draw_people(8, seed)
    rng, joints = np.random.default_rng(seed), joints_of(features).copy()
    missing = joints[..., 2] == 0
    joints[missing, :2] = rng.normal(0, 100, (missing.sum(), 2))
    joints[missing, 2] = rng.choice([0, -1], missing.sum())
    shuffled = joints.copy()
    shuffled[missing] = rng.permutation(joints[missing])
    logits = [predict(make(**SMALL), replaced(features, one)) for one in (joints, shuffled)]
    expected = predict(make(**SMALL), features)
    for one in logits:
        np.testing.assert_array_equal(one, expected)


@every_model
def test_which_joint_is_where_matters(make):
    features, _ = draw_people(30)
    turned = replaced(features, joints_of(features)[:, ::-1])
    difference = np.abs(predict(make(**SMALL), features) - predict(make(**SMALL), turned)).max(axis=(0, 2))
    assert (difference[1:] > 1e-6).all()


@pytest.mark.parametrize("pose", POSE_ENCODERS)
def test_the_gate_is_zero_without_a_pose_and_closing_it_takes_the_pose_away(pose):
    features, _ = draw_people(30)
    nobody = replaced(features, 0 * joints_of(features))
    model = GatedFusion(WIDTH, 2, clip_features=CLIP, pose=pose, **SMALL)
    gates = model.gates(features)
    assert gates.shape == (2, 30)
    assert (gates[:, 0] == 0).all()
    assert ((gates[:, 1:] > 0) & (gates[:, 1:] < 1)).all()
    expected = predict(model, nobody)
    with torch.no_grad():
        model.gate.bias.fill_(-1e9)
    np.testing.assert_array_equal(predict(model, features), expected)


# --- Seeds, disk, errors


@every_model
def test_a_seed_of_three_is_the_seed_alone(make):
    people, test = draw_people(60), draw_people(30, seed=1)
    options = {"epochs": 2, "evaluate": {"test": test}}
    many = fit(make(n_seeds=3, **SMALL), *people, **options)
    alone = fit(make(seeds=[2], **SMALL), *people, **options)
    together = fit(make(n_seeds=3, **SMALL), *people, **options, seeds_at_once=3)
    assert same_bits(take_seeds(many.model, [2]), alone.model)
    assert not same_bits(take_seeds(many.model, [1]), alone.model)
    pd.testing.assert_frame_equal(together.history, many.history, rtol=1e-5)
    expected = predict(many.model, test[0])
    np.testing.assert_allclose(predict(together.model, test[0]), expected, atol=1e-5 * np.abs(expected).max())


@every_model
def test_weights_come_back_from_the_disk(make, tmp_path):
    model = fit(make(seeds=[5, 3], **SMALL), *draw_people(40), epochs=1).model
    save_weights(tmp_path / "model.safetensors", model, "abcde")
    loaded, facts = load_weights(tmp_path / "model.safetensors")
    assert type(loaded) is type(model)
    assert loaded.settings() == model.settings() == facts["settings"]
    assert same_bits(loaded, model)
    np.testing.assert_array_equal(predict(loaded, draw_people(9)[0]), predict(model, draw_people(9)[0]))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"clip_features": CLIP + 1}, f"3 numbers a joint, got {WIDTH} and {CLIP + 1}"),
        ({"clip_features": WIDTH}, "3 numbers a joint"),
        ({"clip_features": 0}, "3 numbers a joint"),
        ({"pose": "graph"}, "pose is one of mlp, joints, got 'graph'"),
    ],
)
def test_impossible_settings_are_an_error(changed, message):
    with pytest.raises(ValueError, match=message):
        LateFusion(WIDTH, **{"clip_features": CLIP, **changed})


# --- Size


def test_parameters_are_counted_per_seed():
    for seeds in (1, 3):
        counted = count_parameters(ActionMLP(563, seeds))
        assert counted == 564 * 1024 + 1025 * 1024 + 1025 * 26
    assert counted == sum(values.numel() for values in ActionMLP(563).sequential(0).parameters())


@pytest.mark.parametrize("pose", POSE_ENCODERS)
@pytest.mark.parametrize("kind", KINDS)
def test_models_of_the_reference_s_size(kind, pose):
    reference = ActionMLP(563)
    make = partial(kind, clip_features=512, pose=pose)
    hidden, wanted = match_hidden(make, reference), count_parameters(reference)
    sizes = [count_parameters(make(563, hidden=hidden + step)) for step in (-1, 0, 1)]
    assert sizes[1] == pytest.approx(wanted, rel=0.01)
    assert np.argmin(np.abs(np.array(sizes) - wanted)) == 1


def test_a_size_out_of_reach_is_an_error():
    make = partial(LateFusion, clip_features=CLIP)
    with pytest.raises(ValueError, match=r"no width gives 1381 parameters within 1 %: \d+ with hidden=1"):
        match_hidden(make, ActionMLP(WIDTH, hidden=16, verbs=VERBS))
    with pytest.raises(TypeError, match="hidden"):
        match_hidden(LinearProbe, ActionMLP(WIDTH, **SMALL))
