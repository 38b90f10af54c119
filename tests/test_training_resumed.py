"""Trainings killed and resumed: the same bits in the end, and no checkpoint of anything else taken up."""

import multiprocessing
import random
import signal
import time
import warnings
from pathlib import Path

import pandas as pd
import pytest
import torch
from learning import N_VERBS, SMALL, WIDTH, draw_people, exact_match, same_bits

from lib.models import ActionMLP, fit, save_weights
from lib.profiles import DataError


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


def test_a_state_from_a_gpu_is_read_where_there_is_none(tmp_path, monkeypatch):
    people, file = draw_people(60), tmp_path / "state.pt"
    with (
        monkeypatch.context() as patched
    ):  # what torch writes of tensors on a GPU, but for the place the same
        patched.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
        first = fit(ActionMLP(WIDTH, 2, **SMALL), *people, epochs=3, checkpoint=file)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="CUDA"):
        torch.load(file, weights_only=True)
    again = fit(ActionMLP(WIDTH, 2, **SMALL), *people, epochs=3, checkpoint=file)
    assert same_bits(first.model, again.model)


@pytest.mark.parametrize(("seconds", "there"), [(1e9, [0, 0, 0]), (0, [0, 1, 1])])
def test_a_checkpoint_is_not_written_more_often_than_asked(tmp_path, seconds, there):
    people, file = draw_people(20), tmp_path / "state.pt"
    options = {"evaluate": {"test": people}, "metrics": {"written": lambda *_: file.exists()}}
    options |= {"checkpoint": file, "checkpoint_seconds": seconds}
    result = fit(ActionMLP(WIDTH, **SMALL), *people, epochs=3, **options)
    assert result.history["test_written"].tolist() == there
    assert file.exists()
