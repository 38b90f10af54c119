"""Models and their training: a seed is the same in any company, as a literal loop has it, killed or not."""

import ast
import multiprocessing
import random
import signal
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from lib.models import (
    ActionMLP,
    SeededModule,
    SeedLinear,
    fit,
    load_weights,
    predict,
    save_weights,
    take_seeds,
)
from lib.models.learner import shuffle, split_people
from lib.profiles import ROOT, DataError
from lib.vcoco import VERBS

WIDTH, HIDDEN, N_VERBS = 12, 32, 5
SMALL = {"hidden": HIDDEN, "verbs": N_VERBS}


def draw_people(count: int, seed: int = 0, width: int = WIDTH, verbs: int = N_VERBS, scale: float = 1):
    """Draw features and labels of people; about a third of the labels are positive and can be learnt."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((count, width)).astype(np.float32) * scale
    rule = np.random.default_rng(99).standard_normal((width, verbs))
    return features, features @ rule + rng.standard_normal((count, verbs)) > 2


def exact_match(logits: np.ndarray, labels: np.ndarray) -> list[bool]:
    """Return for each person whether the K largest logits are those of the K true verbs."""
    return [
        set(np.argsort(-row)[: truth.sum()]) == set(np.flatnonzero(truth))
        for row, truth in zip(logits, labels, strict=True)
    ]


def same_bits(one: nn.Module, other: nn.Module) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def relative(values: np.ndarray, reference: np.ndarray) -> float:
    return np.abs(values - reference).max() / np.abs(reference).max()


class GatedSum(SeededModule):
    """Another network for `fit`: two parts of the features, weighed by a gate; one buffer."""

    def __init__(self, in_features, n_seeds=1, *, seeds=None, verbs=N_VERBS):
        super().__init__(in_features, n_seeds, seeds=seeds, verbs=verbs)
        generators = self.generators()
        self.gate = SeedLinear(in_features, 1, generators)
        self.parts = nn.ModuleList(SeedLinear(in_features // 2, verbs, generators) for _ in range(2))
        self.register_buffer("scale", torch.tensor(self.seeds).reshape(-1, 1, 1) + 1.0)

    def forward(self, x):
        gate = torch.sigmoid(self.gate(x))
        left, right = (part(half) for part, half in zip(self.parts, x.chunk(2, dim=-1), strict=True))
        return (gate * left + (1 - gate) * right) * self.scale


class Recorder(SeededModule):
    """Keeps what it is asked for; the first feature is the person's number."""

    seen: list[torch.Tensor]

    def __init__(self, n_seeds: int) -> None:
        super().__init__(1, n_seeds, verbs=1)
        self.bias = nn.Parameter(torch.zeros(n_seeds, 1, 1))

    def forward(self, x):
        if torch.is_grad_enabled():
            Recorder.seen.append(x[..., 0].clone())
        return x * 0 + self.bias


# --- The networks


def test_a_seed_starts_as_torch_does_after_manual_seed():
    model = ActionMLP(WIDTH, 4, **SMALL)
    for seed in range(4):
        torch.manual_seed(seed)
        layers = nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()
        assert same_bits(model.sequential(seed), nn.Sequential(*layers, nn.Linear(HIDDEN, N_VERBS)))


def test_the_network_is_the_thesis_s():
    model = ActionMLP(563)
    assert [tuple(layer.weight.shape) for layer in model.sequential(0)[::2]] == [
        (1024, 563),
        (1024, 1024),
        (26, 1024),
    ]
    assert model.verbs == len(VERBS)


@settings(max_examples=20, deadline=None)
@given(
    n_seeds=st.integers(1, 4), people=st.integers(0, 9), width=st.integers(1, 8), hidden=st.integers(1, 16)
)
def test_every_seed_s_logits_are_those_of_its_plain_network(n_seeds, people, width, hidden):
    model = ActionMLP(width, n_seeds, hidden=hidden, verbs=3)
    features = np.random.default_rng(people).standard_normal((people, width), dtype=np.float32)
    logits = predict(model, features)
    assert logits.shape == (n_seeds, people, 3)
    assert logits.dtype == np.float32
    for seed in range(n_seeds):
        plain = model.sequential(seed)(torch.from_numpy(features)).detach().numpy()
        np.testing.assert_allclose(logits[seed], plain, atol=1e-5)


def test_forward_takes_shared_and_own_features():
    model, x = ActionMLP(WIDTH, 3, **SMALL), torch.randn(7, WIDTH, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(x), model(x.expand(3, 7, WIDTH)))


def test_predict_in_chunks_changes_nothing():
    features, _ = draw_people(5000)
    model = ActionMLP(WIDTH, 3, **SMALL)
    whole = model(torch.from_numpy(features)).detach().numpy()
    np.testing.assert_allclose(predict(model, features), whole, atol=1e-6)


def test_take_seeds_copies():
    model = ActionMLP(WIDTH, seeds=[4, 7, 9], **SMALL)
    taken = take_seeds(model, [9, 4])
    assert taken.seeds == (9, 4)
    assert same_bits(taken, ActionMLP(WIDTH, seeds=[9, 4], **SMALL))
    with torch.no_grad():
        taken.layers[0].weight.zero_()
    assert model.layers[0].weight.abs().sum() > 0
    with pytest.raises(ValueError, match=r"\[4, 7, 9\], not \[1\]"):
        take_seeds(model, [1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_seeds": 0}, "at least one seed"),
        ({"n_seeds": -1}, "at least one seed"),
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [1, 2, 1]}, r"different .*\[1, 2, 1\]"),
        ({"seeds": [-1]}, r"from 0 on"),
        ({"n_seeds": 3, "seeds": [1, 2]}, "n_seeds is 3, but 2 seeds"),
    ],
)
def test_impossible_seeds_are_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        ActionMLP(WIDTH, **arguments, **SMALL)


# --- Seeds do not know each other


def test_a_seed_of_ten_is_the_seed_alone():
    people, test = draw_people(100), draw_people(30, seed=1)
    ten, alone = (
        fit(model, *people, epochs=5, evaluate={"test": test}, metrics={"exact": exact_match})
        for model in (ActionMLP(WIDTH, 10, **SMALL), ActionMLP(WIDTH, seeds=[3], **SMALL))
    )
    assert same_bits(take_seeds(ten.model, [3]), alone.model)
    rows = ten.history[ten.history["seed"] == 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, alone.history, check_exact=True)


@pytest.mark.parametrize("kind", [ActionMLP, GatedSum])
def test_seeds_in_one_pass_are_the_seeds_alone(kind):
    people, test = draw_people(100), draw_people(30, seed=1)
    options = {"epochs": 5, "evaluate": {"test": test}}
    together = fit(kind(WIDTH, 10, verbs=N_VERBS), *people, seeds_at_once=10, **options)
    for seed in (0, 3, 9):
        alone = fit(kind(WIDTH, seeds=[seed], verbs=N_VERBS), *people, **options)
        logits = predict(together.model, test[0])[seed]
        assert relative(logits, predict(alone.model, test[0])[0]) <= 1e-5
        rows = together.history[together.history["seed"] == seed].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, alone.history, rtol=1e-5)


def test_at_full_width_a_seed_of_many_is_the_seed_alone():
    people = draw_people(60, width=563, verbs=26)
    together = fit(ActionMLP(563, 3), *people, epochs=5, seeds_at_once=3)
    alone = fit(ActionMLP(563, seeds=[2]), *people, epochs=5)
    assert relative(predict(together.model, people[0])[2], predict(alone.model, people[0])[0]) <= 1e-5


@settings(max_examples=6, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 2**40), min_size=1, max_size=4, unique=True),
    at_once=st.sampled_from([1, 2, 4]),
)
def test_other_seeds_and_their_order_change_nothing(seeds, at_once):
    people = draw_people(40)
    company = [seed for seed in seeds if seed != 5]
    result = fit(ActionMLP(WIDTH, seeds=[*company, 5], **SMALL), *people, epochs=2, seeds_at_once=at_once)
    alone = fit(ActionMLP(WIDTH, seeds=[5], **SMALL), *people, epochs=2)
    assert relative(predict(result.model, people[0])[-1], predict(alone.model, people[0])[0]) <= 1e-5
    assert result.history["seed"].is_monotonic_increasing


def test_the_same_seed_twice_gives_the_same_bits_and_leaves_the_model_as_it_was():
    people, model = draw_people(100), ActionMLP(WIDTH, 2, **SMALL)
    first = fit(model, *people, epochs=3)
    torch.rand(3), np.random.default_rng().random()
    second = fit(model, *people, epochs=3)
    assert same_bits(first.model, second.model)
    pd.testing.assert_frame_equal(first.history, second.history, check_exact=True)
    assert same_bits(model, ActionMLP(WIDTH, 2, **SMALL))
    assert not same_bits(first.model, model)
    seeds = predict(first.model, people[0])
    assert relative(seeds[0], seeds[1]) > 0.1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_learns_what_a_cpu_learns():
    people = draw_people(100)
    results = [fit(ActionMLP(WIDTH, 3, **SMALL), *people, epochs=3, device=name) for name in ("cpu", "cuda")]
    logits = [predict(result.model, people[0]) for result in results]
    assert relative(logits[1], logits[0]) <= 1e-3


# --- What is learnt


def literal_losses(model, features, labels, seed, epochs, held_out, batch_size, learning_rate) -> list:
    """Train as in PyTorch's tutorials, in `fit`'s order; return the loss of each step, epoch by epoch."""
    trained_on, _ = split_people(len(features), held_out, seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    criterion, losses = nn.BCEWithLogitsLoss(), []
    for epoch in range(1, epochs + 1):
        order, steps = shuffle(trained_on, seed, epoch), []
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            optimiser.zero_grad()
            loss = criterion(model(torch.from_numpy(features[rows])), torch.from_numpy(labels[rows]).float())
            loss.backward()
            optimiser.step()
            steps.append((loss.item(), len(rows)))
        losses.append(steps)
    return losses


@pytest.mark.parametrize(("people", "batch_size", "epochs"), [(16, 16, 120), (100, 15, 8)])
def test_the_loss_is_that_of_a_literal_loop(people, batch_size, epochs):
    """With one batch an epoch, the history shows every step; with seven, their mean."""
    features, labels = draw_people(people)
    plan = {"epochs": epochs, "batch_size": batch_size, "learning_rate": 1e-3}
    plan["held_out"] = 0.0 if people == batch_size else 0.05
    model = ActionMLP(WIDTH, seeds=[2, 8], **SMALL)
    for at_once in (1, 2):
        result = fit(model, features, labels, **plan, seeds_at_once=at_once)
        for k, seed in enumerate((2, 8)):
            plain = model.sequential(seed)
            steps = literal_losses(plain, features, labels, seed, **plan)
            means = [
                np.average([loss for loss, _ in epoch], weights=[n for _, n in epoch]) for epoch in steps
            ]
            history = result.history[result.history["seed"] == seed]
            np.testing.assert_allclose(history["train_loss"], means, rtol=1e-5)
            assert means[-1] < means[0]
            logits = plain(torch.from_numpy(features)).detach().numpy()
            assert relative(predict(result.model, features)[k], logits) <= 1e-5


def test_sixteen_people_are_learnt_by_heart():
    features, labels = draw_people(16)
    people = {"people": (features, labels)}
    options = {"evaluate": people, "metrics": {"exact": exact_match}, "learning_rate": 1e-3}
    result = fit(
        ActionMLP(WIDTH, 2, hidden=64, verbs=N_VERBS), features, labels, epochs=150, held_out=0, **options
    )
    last = result.history.groupby("seed").last()
    assert (last["people_exact"] == 1).all()
    assert (last["people_loss"] < 0.1).all()
    assert not any(column.startswith("held_out") for column in last)


def test_people_held_out_never_touch_the_weights():
    features, labels = draw_people(60)
    _, out = split_people(60, 0.2, seed=4)
    assert len(out) == 12
    other, changed = features.copy(), labels.copy()
    other[out] += 5
    changed[out] = ~changed[out]
    model = ActionMLP(WIDTH, seeds=[4], **SMALL)
    one, two = (fit(model, *pair, epochs=3, held_out=0.2) for pair in ((features, labels), (other, changed)))
    assert same_bits(one.model, two.model)
    assert (one.history["held_out_loss"] != two.history["held_out_loss"]).all()
    changed[np.setdiff1d(np.arange(60), out)[0]] ^= True
    assert not same_bits(one.model, fit(model, features, changed, epochs=3, held_out=0.2).model)


def test_each_person_is_seen_once_an_epoch_in_an_own_order():
    Recorder.seen = []
    numbers = np.arange(50, dtype=np.float32)[:, None]
    fit(Recorder(3), numbers, numbers > 20, epochs=4, held_out=0.1, seeds_at_once=3)
    assert [batch.shape[1] for batch in Recorder.seen] == [15, 15, 15] * 4
    epochs = torch.cat(Recorder.seen, dim=1).reshape(3, 4, 45).int().numpy()
    orders = [tuple(order) for seed in epochs for order in seed]
    assert len(set(orders)) == 12
    for seed in range(3):
        trained_on, out = split_people(50, 0.1, seed)
        assert sorted([*trained_on, *out]) == list(range(50))
        assert all((np.sort(order) == trained_on).all() for order in epochs[seed])
    assert len({tuple(split_people(50, 0.1, seed)[1]) for seed in range(3)}) == 3


@pytest.mark.parametrize(
    ("count", "share", "out"), [(3896, 0.05, 195), (16, 0.05, 1), (5, 0.05, 0), (1, 0.9, 0), (100, 0, 0)]
)
def test_the_share_that_is_held_out(count, share, out):
    trained_on, held_out = split_people(count, share, seed=0)
    assert (len(trained_on), len(held_out)) == (count - out, out)


def test_rare_verbs_and_few_people_can_be_learnt():
    features, labels = draw_people(7)
    labels[:, 0] = False
    labels[:, 1] = True
    result = fit(ActionMLP(WIDTH, 2, **SMALL), features, labels, epochs=2)
    assert np.isfinite(result.history.to_numpy()).all()
    single = fit(ActionMLP(WIDTH, **SMALL), features[:1], labels[:1], epochs=2)
    assert np.isfinite(single.history["train_loss"]).all()


def test_units_that_no_longer_answer_leave_no_denormal_numbers(tmp_path):
    """Large raw features switch units off at once; their moments shrink, below 1e-38 if let."""
    features, labels = draw_people(150, scale=300)
    fit(
        ActionMLP(WIDTH, **SMALL),
        features,
        labels,
        epochs=100,
        learning_rate=1e-2,
        checkpoint=tmp_path / "state",
    )
    (adam,) = torch.load(tmp_path / "state", weights_only=True)["moments"]
    moments = torch.cat([values["exp_avg"].flatten() for values in adam["state"].values()]).abs()
    smallest = torch.finfo(torch.float32).tiny
    assert (moments == 0).any()
    assert not ((moments > 0) & (moments < smallest)).any()


# --- What is measured and kept


def test_the_history_is_what_predict_gives_afterwards():
    people, test = draw_people(60), draw_people(25, seed=1)
    metrics = {"exact": exact_match, "labels": lambda logits, labels: labels.sum()}
    result = fit(
        ActionMLP(WIDTH, seeds=[6, 2], **SMALL),
        *people,
        epochs=3,
        evaluate={"test": test},
        metrics=metrics,
        keep_epochs=range(4),
    )
    assert list(result.history) == [
        *("seed", "epoch", "train_loss", "held_out_loss", "held_out_exact", "held_out_labels"),
        *("test_loss", "test_exact", "test_labels"),
    ]
    assert result.history[["seed", "epoch"]].to_numpy().tolist() == [
        [s, e] for s in (2, 6) for e in (1, 2, 3)
    ]
    for row in result.history.itertuples():
        model = take_seeds(result.model_at(row.epoch), [row.seed])
        _, out = split_people(60, 0.05, row.seed)
        for name, (features, labels) in {"test": test, "held_out": (people[0][out], people[1][out])}.items():
            (logits,) = predict(model, features)
            loss = nn.BCEWithLogitsLoss()(torch.from_numpy(logits), torch.from_numpy(labels).float())
            assert getattr(row, f"{name}_loss") == pytest.approx(loss.item(), rel=1e-6)
            assert getattr(row, f"{name}_exact") == np.mean(exact_match(logits, labels))
            assert getattr(row, f"{name}_labels") == labels.sum()
    assert same_bits(result.model_at(3), result.model)
    assert same_bits(result.model_at(0), ActionMLP(WIDTH, seeds=[6, 2], **SMALL))


def test_recorded_metrics_are_each_persons_and_survive_a_resumption(tmp_path):
    people, test = draw_people(60), draw_people(25, seed=1)
    options = {"evaluate": {"test": test}, "metrics": {"exact": exact_match}, "record": ["exact"]}
    options |= {"keep_epochs": range(4), "checkpoint": tmp_path / "state", "epochs": 3}
    for result in (fit(ActionMLP(WIDTH, seeds=[6, 2], **SMALL), *people, **options) for _ in range(2)):
        assert list(result.records) == ["test_exact"]
        assert result.records["test_exact"].shape == (2, 3, 25)
        for epoch in (1, 2, 3):
            literal = [exact_match(logits, test[1]) for logits in predict(result.model_at(epoch), test[0])]
            np.testing.assert_array_equal(result.records["test_exact"][:, epoch - 1], literal)


def test_the_best_weights_are_kept():
    people, test = draw_people(60), draw_people(25, seed=1)
    columns = ["test_exact", "test_loss"]
    options = {"epochs": 12, "evaluate": {"test": test}, "metrics": {"exact": exact_match}}
    options["learning_rate"] = 3e-3
    every = fit(ActionMLP(WIDTH, 3, **SMALL), *people, keep_epochs=range(1, 13), **options)
    best = fit(ActionMLP(WIDTH, 3, **SMALL), *people, keep_best=columns, **options)
    for column in columns:
        epochs = best.best_epochs(column)
        for seed, epoch in epochs.items():
            values = every.history[every.history["seed"] == seed].set_index("epoch")[column]
            better = values.max() if column == "test_exact" else values.min()
            assert epoch == next(number for number, value in values.items() if value == better)
        assert same_bits(best.model_at(epochs), every.model_at(epochs))
    wanted = {pair for column in columns for pair in best.best_epochs(column).items()}
    assert set(best.kept) == wanted
    with pytest.raises(KeyError, match=r"no weights kept of .*\(0, 0\)"):
        best.model_at(0)
    with pytest.raises(ValueError, match=r"no column test_f1; choose from train_loss, .*test_exact"):
        best.best_epochs("test_f1")


def test_a_metric_without_a_number_is_never_the_best():
    values = iter([np.nan, 0.5, 0.5, np.nan])
    test = draw_people(5)
    result = fit(
        ActionMLP(WIDTH, **SMALL),
        *draw_people(20),
        epochs=4,
        held_out=0,
        evaluate={"test": test},
        metrics={"odd": lambda logits, labels: next(values)},
        keep_best=["test_odd"],
    )
    assert result.best_epochs("test_odd").to_dict() == {0: 2}
    assert list(result.kept) == [(0, 2)]


# --- Bad input


def bad_inputs() -> dict[str, tuple[dict, str]]:
    features, labels = draw_people(20)
    missing, infinite = features.copy(), features.copy()
    missing[[3, 5], 2] = np.nan
    infinite[1] = np.inf
    frames = pd.DataFrame(features), pd.DataFrame(labels)
    return {
        "missing": ({"features": missing}, "train features: 2 of 20 people have missing"),
        "infinite": ({"features": infinite}, "1 of 20 people"),
        "narrow": ({"features": features[:, 1:]}, r"expected shape \(n, 12\), got \(20, 11\)"),
        "flat": ({"features": features[0]}, r"expected shape \(n, 12\), got \(12,\)"),
        "nobody": ({"features": features[:0], "labels": labels[:0]}, "there are no people"),
        "numbers": ({"labels": labels.astype(int)}, "expected booleans, got int64"),
        "verbs": ({"labels": labels[:, 1:]}, r"expected shape \(20, 5\), got \(20, 4\)"),
        "fewer labels": ({"labels": labels[1:]}, r"expected shape \(20, 5\), got \(19, 5\)"),
        "order": ({"features": frames[0], "labels": frames[1][::-1]}, "other people, or in another order"),
        "test": ({"evaluate": {"test": (missing, labels)}}, "test features: 2 of 20"),
        "empty test": ({"evaluate": {"test": (features[:0], labels[:0])}}, "test: there are no people"),
        "name": ({"evaluate": {"held_out": (features, labels)}}, "other names"),
        "epochs": ({"epochs": 0}, "epochs is at least 1, got 0"),
        "batch": ({"batch_size": 0}, "batch_size is at least 1, got 0"),
        "at once": ({"seeds_at_once": 0}, "seeds_at_once is at least 1, got 0"),
        "held out": ({"held_out": 1.0}, "from 0 to below 1, got 1.0"),
        "held out below": ({"held_out": -0.1}, "got -0.1"),
        "kept": ({"epochs": 3, "keep_epochs": [2, 4]}, r"between 0 and 3, got \[4\]"),
        "best": ({"epochs": 1, "keep_best": ["val_loss"]}, "no column val_loss; choose from train_loss"),
    }


@pytest.mark.parametrize("case", bad_inputs())
def test_bad_input_is_one_clear_error(case):
    features, labels = draw_people(20)
    arguments, message = bad_inputs()[case]
    with pytest.raises(ValueError, match=message):
        fit(ActionMLP(WIDTH, **SMALL), **{"features": features, "labels": labels, **arguments})


def test_predict_refuses_what_fit_refuses():
    with pytest.raises(ValueError, match=r"expected shape \(n, 12\), got \(4, 3\)"):
        predict(ActionMLP(WIDTH, **SMALL), np.zeros((4, 3)))


def test_frames_of_the_same_people_are_taken():
    features, labels = draw_people(20)
    frames = pd.DataFrame(features).add_prefix("clip_"), pd.DataFrame(labels)
    model = ActionMLP(WIDTH, **SMALL)
    assert same_bits(fit(model, *frames, epochs=1).model, fit(model, features, labels, epochs=1).model)


# --- Killed and resumed


def train_to(folder: Path) -> None:
    """Train two seeds with a checkpoint after every epoch; write weights and history."""
    people, test = draw_people(200, width=40), draw_people(50, seed=1, width=40)
    model = ActionMLP(40, 2, hidden=256, verbs=N_VERBS)
    options = {"evaluate": {"test": test}, "metrics": {"exact": exact_match}, "epochs": 40}
    options |= {"keep_best": ["test_exact"], "keep_epochs": [7]}
    result = fit(model, *people, **options, checkpoint=folder / "state.pt", checkpoint_seconds=0)
    save_weights(folder / "last.safetensors", result.model, "abcde")
    best = result.best_epochs("test_exact")
    save_weights(folder / "best.safetensors", result.model_at(best), "abcde", best)
    save_weights(folder / "seventh.safetensors", result.model_at(7), "abcde")
    result.history.to_csv(folder / "history.csv")


def start_training(folder: Path) -> multiprocessing.Process:
    """Train in a process of its own, forked from one that has no threads and has imported the slow parts."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pandas", "safetensors.torch", "torch._dynamo"])
    process = context.Process(target=train_to, args=(folder,))
    process.start()
    return process


def kill_after_checkpoints(process: multiprocessing.Process, file: Path, count: int, seconds: float) -> None:
    """Kill a process some seconds after it has written a file that often; it must still be running."""
    seen = {written_at(file)}
    while process.is_alive() and len(seen) <= count:
        seen.add(written_at(file))
        time.sleep(0.001)
    time.sleep(seconds)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "the training ended before it could be killed"


def written_at(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


def test_a_training_killed_at_random_moments_ends_in_the_same_bits(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train_to(whole)
    draw, epochs = random.Random(0), [0]
    for _ in range(5):
        process = start_training(killed)
        kill_after_checkpoints(process, killed / "state.pt", draw.randint(1, 3), draw.uniform(0, 0.06))
        epochs.append(torch.load(killed / "state.pt", weights_only=True)["epoch"])
    assert sorted(set(epochs)) == epochs
    assert epochs[-1] < 40
    process = start_training(killed)
    process.join()
    assert process.exitcode == 0
    for name in ("last.safetensors", "best.safetensors", "seventh.safetensors", "history.csv"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_finished_training_is_not_done_again(tmp_path):
    people, file = draw_people(60), tmp_path / "state.pt"
    plan = {"epochs": 3, "checkpoint": file, "keep_best": ["held_out_loss"]}
    first = fit(ActionMLP(WIDTH, 2, **SMALL), *people, **plan)
    before = file.read_bytes()
    again = fit(ActionMLP(WIDTH, 2, **SMALL), *people, **plan)
    assert same_bits(first.model, again.model)
    assert first.kept.keys() == again.kept.keys()
    pd.testing.assert_frame_equal(first.history, again.history, check_exact=True)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "other",
    [
        {"learning_rate": 1e-3},
        {"epochs": 4},
        {"batch_size": 14},
        {"held_out": 0.1},
        {"people": 1},
        {"seeds": [0, 2]},
        {"evaluate": {"test": draw_people(9)}},
    ],
)
def test_a_checkpoint_of_something_else_is_not_taken_up(tmp_path, other):
    def train(people=0, seeds=(0, 1), **options):
        return fit(ActionMLP(WIDTH, seeds=seeds, **SMALL), *draw_people(60, seed=people), **options)

    plan = {"epochs": 3}
    train(**plan, checkpoint=tmp_path / "state.pt")
    with pytest.warns(UserWarning, match=r"state.pt is of other data or settings: training starts anew"):
        result = train(**plan | other, checkpoint=tmp_path / "state.pt")
    assert same_bits(result.model, train(**plan | other).model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(**plan | other, checkpoint=tmp_path / "state.pt")


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04"])
def test_a_file_that_is_no_checkpoint_is_left_alone(tmp_path, content):
    file = tmp_path / "precious.pt"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"precious.pt: not a checkpoint"):
        fit(ActionMLP(WIDTH, **SMALL), *draw_people(20), epochs=1, checkpoint=file)
    assert file.read_bytes() == content


@pytest.mark.parametrize(("seconds", "there"), [(1e9, [0, 0, 0]), (0, [0, 1, 1])])
def test_a_checkpoint_is_not_written_more_often_than_asked(tmp_path, seconds, there):
    people, file = draw_people(20), tmp_path / "state.pt"
    options = {"evaluate": {"test": people}, "metrics": {"written": lambda *_: file.exists()}}
    options |= {"checkpoint": file, "checkpoint_seconds": seconds}
    result = fit(ActionMLP(WIDTH, **SMALL), *people, epochs=3, **options)
    assert result.history["test_written"].tolist() == there
    assert file.exists()


# --- Weights on disk


def test_weights_come_back_from_the_disk(tmp_path):
    model = ActionMLP(WIDTH, seeds=[5, 3], **SMALL)
    save_weights(tmp_path / "deep" / "model.safetensors", model, "abcde", {3: 10, 5: 2})
    loaded, facts = load_weights(tmp_path / "deep" / "model.safetensors")
    assert same_bits(loaded, model)
    assert loaded.seeds == (5, 3)
    assert facts["verbs"] == list("abcde")
    assert facts["epochs"] == [2, 10]
    assert facts["settings"]["in_features"] == WIDTH
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model.safetensors"]


def test_weights_that_could_not_be_loaded_again_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match=r"weights of ActionMLP, .* can be saved, not of GatedSum"):
        save_weights(tmp_path / "gated", GatedSum(WIDTH), "abcde")
    with pytest.raises(ValueError, match="5 verbs, got 26 names"):
        save_weights(tmp_path / "names", ActionMLP(WIDTH, **SMALL), VERBS)
    assert not list(tmp_path.iterdir())


def test_what_is_not_weights_of_a_known_model_is_an_error(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    save_file({"a": torch.zeros(1)}, tmp_path / "other", metadata={"facts": '{"model": "GatedSum"}'})
    for name, model in {"foreign": None, "other": "GatedSum"}.items():
        with pytest.raises(DataError, match=rf"{name}: holds a model {model}, not one of ActionMLP, "):
            load_weights(tmp_path / name)
    (tmp_path / "garbage").write_bytes(b"garbage")
    for name in ("garbage", "absent"):
        with pytest.raises(DataError, match=f"{name}: not readable as trained weights"):
            load_weights(tmp_path / name)


def test_models_import_no_encoder_and_no_features():
    allowed = {"lib.models", "lib.profiles"}
    for file in (ROOT / "lib" / "models").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("lib"):
                assert ".".join(node.module.split(".")[:2]) in allowed, f"{file.name}: {node.module}"
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {"clip", "mmpose"}.intersection(names)
