"""What a training measures and keeps: its history, each person's metrics, the best weights."""

import numpy as np
import pytest
import torch
from learning import SMALL, WIDTH, draw_people, exact_match, same_bits
from torch import nn

from lib.models import ActionMLP, fit, predict, take_seeds
from lib.models.learner import split_people


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
