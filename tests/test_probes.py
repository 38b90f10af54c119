"""The linear probe: `nn.Linear` at the start, or zero-shot CLIP, which training then improves."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.metrics import exact_match
from lib.models import LinearProbe, fit, load_weights, predict, save_weights, take_seeds

DIM, VERBS = 40, 6


@pytest.fixture
def text() -> np.ndarray:
    """Text features that, as CLIP's, all point to one side; of several lengths."""
    rng = np.random.default_rng(0)
    return (3 + rng.standard_normal((VERBS, DIM))) * rng.uniform(0.5, 2, (VERBS, 1))


def draw_people(text: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw image features near the text of their verb, which lies elsewhere than CLIP believes."""
    rng, moved = np.random.default_rng(seed), np.random.default_rng(9).standard_normal(text.shape)
    verbs = rng.integers(VERBS, size=count)
    directions = text / np.linalg.norm(text, axis=1, keepdims=True) + 0.1 * moved
    features = 3 * directions[verbs] + 0.6 * rng.standard_normal((count, DIM))
    return features.astype(np.float32), np.eye(VERBS, dtype=bool)[verbs]


def test_every_seed_starts_as_torch_s_linear():
    probe = LinearProbe(DIM, 3, verbs=VERBS)
    x = torch.randn(7, DIM, generator=torch.Generator().manual_seed(0))
    for seed in range(3):
        torch.manual_seed(seed)
        np.testing.assert_allclose(probe(x)[seed].detach(), nn.Linear(DIM, VERBS)(x).detach(), atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_from_text_it_starts_as_zero_shot_clip(text, scale):
    features, _ = draw_people(text, 50, seed=0)
    logits = predict(LinearProbe(DIM, 2, verbs=VERBS, text=text, scale=scale), features)
    norms = np.linalg.norm(features, axis=1, keepdims=True) * np.linalg.norm(text, axis=1)
    zero_shot = features @ text.T / norms
    for seed in range(2):
        np.testing.assert_array_equal(logits[seed].argsort(axis=1), zero_shot.argsort(axis=1))
        scaled = scale * np.linalg.norm(features, axis=1, keepdims=True) * zero_shot
        expected = scaled - scaled.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(logits[seed], expected, atol=1e-4 * scale)
    assert np.abs(logits.mean(axis=2)).max() < 1e-4 * scale


def test_training_improves_on_zero_shot_and_beats_a_random_start(text):
    train, test = draw_people(text, 150, seed=1), draw_people(text, 500, seed=2)
    right = {}
    for name, start in {"random": {}, "text": {"text": text}}.items():
        probe = LinearProbe(DIM, 2, verbs=VERBS, **start)
        fitted = fit(probe, *train, epochs=4, learning_rate=5e-3)
        right[name] = [
            np.mean([exact_match(one, test[1]).mean() for one in predict(model, test[0])])
            for model in (probe, fitted.model)
        ]
    before, after = right["text"]
    assert right["random"][0] < 0.35
    assert after > before + 0.1
    assert after > right["random"][1] + 0.1


def test_seeds_share_the_text_and_differ_afterwards(text, tmp_path):
    people = draw_people(text, 60, seed=1)
    two = LinearProbe(DIM, 2, verbs=VERBS, text=text)
    assert torch.equal(*two.layer.weight)
    fitted = fit(two, *people, epochs=2).model
    assert not torch.equal(*fitted.layer.weight)
    alone = fit(LinearProbe(DIM, seeds=[1], verbs=VERBS, text=text), *people, epochs=2).model
    assert torch.equal(take_seeds(fitted, [1]).layer.weight, alone.layer.weight)
    save_weights(tmp_path / "probe", fitted, "abcdef")
    loaded, _ = load_weights(tmp_path / "probe")
    np.testing.assert_array_equal(predict(loaded, people[0]), predict(fitted, people[0]))


def test_text_of_another_shape_is_an_error(text):
    with pytest.raises(ValueError, match=r"text: expected shape \(5, 40\), got \(6, 40\)"):
        LinearProbe(DIM, verbs=5, text=text)
