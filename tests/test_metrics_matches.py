"""Exact and partial matches: equal to the literal version for arrays and tensors on every device."""

import subprocess
import sys
import time
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from literal_metrics import literal_top, logits_and_labels

from lib.metrics import exact_match, exact_match_at, partial_match, predict_at, predict_k, predict_true_k
from lib.profiles import ROOT

DEVICES = ["numpy", "cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def put(values: np.ndarray, device: str) -> "np.ndarray | torch.Tensor":
    return values if device == "numpy" else torch.tensor(values, device=device)


def take(values: "np.ndarray | torch.Tensor", device: str) -> np.ndarray:
    """Return what a metric gave, which must be of the kind and on the device that its logits were."""
    assert isinstance(values, np.ndarray if device == "numpy" else torch.Tensor)
    assert device == "numpy" or values.device.type == device
    return values if device == "numpy" else values.cpu().numpy()


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=700, deadline=None, derandomize=True)
@given(case=logits_and_labels(), threshold=st.sampled_from([-1.0, 0.0, 0.3]))
def test_decoding_equals_the_literal_version(device, case, threshold):
    logits, labels = case
    given_logits, given_labels = put(logits, device), put(labels, device)
    predicted = take(predict_true_k(given_logits, given_labels), device)
    exact = take(exact_match(given_logits, given_labels), device)
    partial = take(partial_match(given_logits, given_labels), device)
    at = take(predict_at(given_logits, threshold), device)
    exact_at = take(exact_match_at(given_logits, given_labels, threshold), device)
    assert predicted.shape == at.shape == logits.shape
    assert exact.shape == partial.shape == exact_at.shape == logits.shape[:-1]
    assert (exact.dtype, exact_at.dtype, predicted.dtype, partial.dtype.kind) == (bool, bool, bool, "f")
    for place in np.ndindex(*logits.shape[:-1]):
        true = set(np.flatnonzero(labels[place[-1]]))
        top = literal_top(logits[place], len(true))
        above = {verb for verb, logit in enumerate(logits[place]) if logit > threshold}
        assert set(np.flatnonzero(predicted[place])) == top
        assert exact[place] == (top == true)
        assert partial[place] == pytest.approx(len(top & true) / len(true) if true else 1.0)
        assert set(np.flatnonzero(at[place])) == above
        assert exact_at[place] == (above == true)


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=300, deadline=None, derandomize=True)
@given(case=logits_and_labels(), seed=st.integers(0, 2**32), each=st.booleans())
def test_predict_k_equals_the_literal_version(device, case, seed, each):
    logits, _ = case
    shape = logits.shape[:-1] if each else logits.shape[-2:-1]
    k = np.random.default_rng(seed).integers(0, logits.shape[-1] + 1, size=shape)
    kind = [np.int64, np.int8, np.uint8, np.uint64][seed % 4]
    predicted = take(predict_k(put(logits, device), k.astype(kind)), device)
    k = np.broadcast_to(k, logits.shape[:-1])
    for place in np.ndindex(*logits.shape[:-1]):
        assert set(np.flatnonzero(predicted[place])) == literal_top(logits[place], k[place])


def test_known_answers():
    logits = np.array([[3.0, 1, 2, -1], [0, 0, 0, 0], [5, 4, 3, 2], [-2, -1, -3, -4]])
    labels = np.array([[1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    assert exact_match(logits, labels).tolist() == [True, False, False, True]
    assert partial_match(logits, labels).tolist() == [1, 0.5, 0, 1]
    assert exact_match_at(logits, labels).tolist() == [False, False, False, True]
    assert exact_match_at(logits, labels, threshold=1.5).tolist() == [True, False, False, True]
    assert predict_k(logits, 1).argmax(axis=1).tolist() == [0, 0, 0, 1]
    assert predict_k(logits, 4).all()


def test_labels_may_have_the_logits_axes():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(3, 4, 5, 6)), rng.random((3, 4, 5, 6)) < 0.4
    together = partial_match(logits, labels)
    for place in np.ndindex(3, 4):
        np.testing.assert_array_equal(together[place], partial_match(logits[place], labels[place]))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8])
def test_every_number_type_is_ranked_alike(kind):
    logits = torch.tensor(np.random.default_rng(1).permuted(np.tile(np.arange(-13, 13), (40, 1)), axis=1))
    labels = torch.tensor(np.random.default_rng(2).random((40, 26)) < 0.1)
    expected = predict_true_k(logits, labels)
    assert torch.equal(predict_true_k(logits.to(kind), labels), expected)
    assert torch.equal(predict_true_k(logits.to(kind), labels.float()), expected)
    frame = pd.DataFrame(labels.numpy())
    assert torch.equal(predict_true_k(logits.to(kind), frame), expected)


def test_predictions_can_be_scored_as_logits():
    labels = np.array([[1, 0, 1], [0, 1, 0]], dtype=bool)
    for predicted, expected in [(labels, [True, True]), (~labels, [False, False])]:
        assert exact_match(predicted, labels).tolist() == expected
        assert exact_match(torch.tensor(predicted), labels).tolist() == expected


@pytest.mark.parametrize("metric", [exact_match, partial_match])
def test_order_of_people_and_of_verbs_does_not_matter(metric):
    rng = np.random.default_rng(3)
    logits, labels = rng.normal(size=(2, 50, 26)), rng.random((50, 26)) < 0.1
    logits[:, ::2] += 3 * labels[::2]  # half of the people easy, so that both outcomes occur
    expected = metric(logits, labels)
    assert 0.1 < expected.mean() < 0.9
    people, verbs = rng.permutation(50), rng.permutation(26)
    np.testing.assert_array_equal(metric(logits[:, people], labels[people]), expected[:, people])
    np.testing.assert_array_equal(metric(logits[..., verbs], labels[:, verbs]), expected)


class Watched(torch.Tensor):
    """A tensor that remembers which functions were called on it."""

    called: ClassVar[set[str]] = set()

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.called.add(func.__name__)
        return super().__torch_function__(func, types, args, kwargs)


def test_tensors_stay_where_they_are():
    logits = torch.randn(3, 5, 26).as_subclass(Watched)
    for metric in (exact_match, partial_match, exact_match_at):
        metric(logits, torch.rand(5, 26) < 0.2)
    assert "sort" in Watched.called
    assert not Watched.called & {"cpu", "numpy", "tolist", "__array__", "detach"}


@pytest.mark.parametrize("device", DEVICES)
def test_all_epochs_of_a_run_take_about_a_second(device):
    logits = np.random.default_rng(4).normal(size=(50, 7674, 26)).astype(np.float32)
    labels = np.random.default_rng(5).random((7674, 26)) < 0.11
    logits, labels = put(logits, device), put(labels, device)
    start = time.process_time()
    exact_match(logits, labels)
    assert time.process_time() - start < 5  # about 0.5 s; a loop over people takes minutes


def test_arrays_need_no_torch():
    code = (
        "import sys, numpy as np, lib.metrics as m; y = np.eye(26, dtype=bool); m.exact_match(y, y);"
        "m.summarise(y, y); m.compare_per_verb(y, y[0], y[1], m.scores.VERBS, range(26));"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
