"""Batch norm and dropout with a seed axis: PyTorch's own step by step, a seed the same in any company."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.models import ActionMLP, RegularisedMLP, SeededModule, fit, load_weights, predict, save_weights
from lib.models.regularised import SeedBatchNorm, SeedDropout

WIDTH, VERBS, PEOPLE = 6, 3, 41  # batches of 8 leave one person alone
SMALL = {"hidden": 16, "verbs": VERBS}
BOTH = {"dropout": 0.5, "batch_norm": True}
KINDS = [{}, {"dropout": 0.5}, {"batch_norm": True}, BOTH]
SETTINGS = {"epochs": 4, "batch_size": 8, "learning_rate": 1e-2, "held_out": 0}


@pytest.fixture(scope="module")
def people() -> tuple[np.ndarray, np.ndarray]:
    features = np.random.default_rng(0).standard_normal((PEOPLE, WIDTH)).astype(np.float32) * 3 + 1
    return features, np.eye(VERBS, dtype=bool)[features[:, :VERBS].argmax(axis=1)]


def same_bits(one: SeededModule, other: SeededModule) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def take(model: SeededModule, seed: int) -> dict[str, torch.Tensor]:
    return {name: values[model.seeds.index(seed)] for name, values in model.state_dict().items()}


def test_without_either_it_is_the_network_of_the_thesis(people):
    plain = fit(ActionMLP(WIDTH, 2, **SMALL), *people, **SETTINGS).model
    assert same_bits(fit(RegularisedMLP(WIDTH, 2, **SMALL), *people, **SETTINGS).model, plain)


def test_batch_norm_is_pytorchs_own_seed_by_seed():
    """Outputs, gradients and running numbers of batches of several sizes, then in prediction."""
    ours, theirs = SeedBatchNorm(WIDTH, 2), [nn.BatchNorm1d(WIDTH) for _ in range(2)]
    with torch.no_grad():
        for k, norm in enumerate(theirs):
            ours.weight[k] = norm.weight[:] = torch.rand(WIDTH)
            ours.bias[k] = norm.bias[:] = torch.rand(WIDTH)
    for people in (8, 2, 5, 7):
        x = torch.randn(2, people, WIDTH, requires_grad=True)
        output, expected = ours(x), torch.stack([norm(part) for norm, part in zip(theirs, x, strict=True)])
        torch.testing.assert_close(output, expected)
        pull = torch.randn_like(output)
        gradient = torch.autograd.grad(output, x, pull)
        torch.testing.assert_close(gradient, torch.autograd.grad(expected, x, pull), rtol=1e-4, atol=1e-5)
    x = torch.randn(2, 9, WIDTH)
    expected = torch.stack([norm.eval()(part) for norm, part in zip(theirs, x, strict=True)])
    torch.testing.assert_close(ours.eval()(x), expected)


def test_a_batch_of_one_person_is_normalised_as_in_prediction():
    norm = SeedBatchNorm(WIDTH, 2)
    norm(torch.randn(2, 30, WIDTH) * 3 + 1)
    before, x = norm.mean.clone(), torch.randn(2, 1, WIDTH)
    trained = norm(x)
    assert torch.equal(norm.mean, before)
    assert torch.equal(trained, norm.eval()(x))


def test_dropout_drops_its_share_and_keeps_the_mean():
    x = torch.ones(2, 200, 100)
    dropped = SeedDropout(0.25, 0, [0, 1])(x)
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)


def test_masks_follow_from_seed_layer_and_step_alone():
    def masks(number: int, seeds: list[int], steps: int = 2) -> list[torch.Tensor]:
        layer = SeedDropout(0.5, number, seeds)
        return [layer(torch.ones(len(seeds), 20, 30)) for _ in range(steps)]

    first, second = masks(0, [5, 7])
    state = torch.get_rng_state()
    assert torch.equal(masks(0, [7])[1][0], second[1]), "the same alone, at every step"
    assert torch.equal(torch.get_rng_state(), state), "nobody else's random numbers are drawn"
    different = [first[0], first[1], second[0], second[1], masks(1, [5])[0][0]]
    for i, mask in enumerate(different):
        assert not any(torch.equal(mask, other) for other in different[:i])


@pytest.mark.parametrize("kind", KINDS[1:], ids=["dropout", "batch norm", "both"])
def test_a_seed_is_the_same_alone_and_among_others(people, kind):
    among = fit(RegularisedMLP(WIDTH, 3, **SMALL, **kind), *people, **SETTINGS)
    alone = fit(RegularisedMLP(WIDTH, seeds=[2], **SMALL, **kind), *people, **SETTINGS)
    for name, values in take(alone.model, 2).items():
        assert torch.equal(values, take(among.model, 2)[name]), name
    assert among.history[among.history["seed"] == 2].drop(columns="seed").to_numpy().tolist() == (
        alone.history.drop(columns="seed").to_numpy().tolist()
    )
    together = fit(RegularisedMLP(WIDTH, 3, **SMALL, **kind), *people, **SETTINGS, seeds_at_once=3)
    np.testing.assert_allclose(
        predict(together.model, people[0]), predict(among.model, people[0]), rtol=1e-2, atol=1e-3
    )


def test_an_interrupted_training_goes_on_to_the_same_bits(people, tmp_path):
    calls = []

    def metric(logits: np.ndarray, labels: np.ndarray) -> float:
        calls.append(1)
        if len(calls) == 6:  # two seeds: in the third epoch
            raise KeyboardInterrupt
        return 0.0

    options = {**SETTINGS, "evaluate": {"all": people}, "metrics": {"metric": metric}}
    model, file = RegularisedMLP(WIDTH, 2, **SMALL, **BOTH), tmp_path / "x.part"
    with pytest.raises(KeyboardInterrupt):
        fit(model, *people, **options, checkpoint=file, checkpoint_seconds=0)
    resumed = fit(model, *people, **options, checkpoint=file)
    assert len(calls) == 6 + 2 * 2, "two epochs were left"
    assert same_bits(resumed.model, fit(model, *people, **options).model)


def test_a_checkpoint_of_another_dropout_is_not_taken(people, tmp_path):
    options = {**SETTINGS, "checkpoint": tmp_path / "x.part"}
    fit(RegularisedMLP(WIDTH, dropout=0.5, **SMALL), *people, **options)
    with pytest.warns(UserWarning, match="other data or settings"):
        fit(RegularisedMLP(WIDTH, dropout=0.25, **SMALL), *people, **options)


def test_predicting_is_sure_and_changes_nothing(people):
    model = fit(RegularisedMLP(WIDTH, 2, **SMALL, **BOTH), *people, **SETTINGS).model
    before = {name: values.clone() for name, values in model.state_dict().items()}
    logits = predict(model.train(), people[0])
    np.testing.assert_array_equal(predict(model, people[0]), logits)
    one_by_one = np.concatenate([predict(model, person[None]) for person in people[0]], axis=1)
    np.testing.assert_allclose(one_by_one, logits, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())


def test_weights_are_saved_with_what_rebuilds_them(people, tmp_path):
    model = fit(RegularisedMLP(WIDTH, seeds=[4, 1], **SMALL, **BOTH), *people, **SETTINGS).model
    save_weights(tmp_path / "x.safetensors", model, ["a", "b", "c"])
    loaded, _ = load_weights(tmp_path / "x.safetensors", RegularisedMLP)
    assert same_bits(loaded, model)
    np.testing.assert_array_equal(predict(loaded, people[0]), predict(model, people[0]))


def test_every_training_step_draws_masks_and_every_number_has_the_seeds_first(people):
    model = fit(RegularisedMLP(WIDTH, 3, **SMALL, **BOTH), *people, **SETTINGS).model
    steps = SETTINGS["epochs"] * -(-PEOPLE // SETTINGS["batch_size"])
    drops = [layer for layer in model.layers if isinstance(layer, SeedDropout)]
    assert [layer.step.tolist() for layer in drops] == [[steps] * 3] * 2
    assert {len(values) for values in model.state_dict().values()} == {3}


@pytest.mark.parametrize("dropout", [-0.1, 1, 1.5])
def test_impossible_dropout_is_refused(dropout):
    with pytest.raises(ValueError, match="dropout is a share from 0 to below 1"):
        RegularisedMLP(WIDTH, dropout=dropout)
