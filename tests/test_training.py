"""Training: what is learnt, as a literal loop has it, from whom, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from learning import N_VERBS, SMALL, WIDTH, draw_people, exact_match, relative, same_bits
from torch import nn

from lib.models import ActionMLP, SeededModule, fit, predict
from lib.models.learner import shuffle, split_people


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


def test_the_progress_bar_says_what_is_trained_and_how_far(capsys):
    fit(ActionMLP(WIDTH, **SMALL), *draw_people(20), epochs=2, title="CLIP + pose")
    last = capsys.readouterr().err.split("\r")[-1]
    assert last.startswith("CLIP + pose: 100%")
    assert "2/2" in last
