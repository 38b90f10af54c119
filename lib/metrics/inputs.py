"""What the metrics accept: arrays, tensors or tables, checked once, with errors that quote the shapes."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import torch
    from typing_extensions import TypeIs

Array = TypeVar("Array", np.ndarray, "torch.Tensor")


def is_tensor(value: object) -> "TypeIs[torch.Tensor]":
    """Say whether `value` is a torch tensor, without importing torch: who has a tensor has imported it."""
    return "torch" in sys.modules and sys.modules["torch"].is_tensor(value)


def as_numpy(value: ArrayLike) -> np.ndarray:
    """Return an array or tensor as a NumPy array; 16-bit floats, which NumPy has not all of, as 32-bit."""
    if not is_tensor(value):
        return np.asarray(value)
    value = value.detach().cpu()
    return (value.float() if value.is_floating_point() and value.itemsize == 2 else value).numpy()


def read_logits(logits: Array) -> Array:
    """Return logits (..., n, v) as an array or tensor; NaN is a ValueError, infinities are not."""
    logits = logits if is_tensor(logits) else np.asarray(logits)
    if logits.ndim < 2 or logits.shape[-1] == 0:
        raise ValueError(f"logits are (..., people, verbs), got shape {tuple(logits.shape)}")
    if unknown := int((logits != logits).sum()):  # only NaN differs from itself
        raise ValueError(
            f"logits: {unknown} NaN in shape {tuple(logits.shape)}; leave those people out first"
        )
    return logits


def read_pair(logits: Array, labels: ArrayLike) -> tuple[Array, Array]:
    """Return logits (..., n, v) and labels (n, v) as booleans, or labels of the logits' shape, both alike.

    Other shapes, NaN logits and labels that are neither 0 nor 1 are a ValueError.
    """
    logits = read_logits(logits)
    labels = alike(labels, logits)
    expected = tuple(logits.shape)
    if labels.ndim < 2 or tuple(labels.shape) != expected[-labels.ndim :]:
        raise ValueError(
            f"labels for logits of shape {expected} have shape {expected[-2:]}, got {tuple(labels.shape)}"
        )
    return logits, _as_booleans(labels, "labels")


def alike(values: ArrayLike, logits: Array) -> Array:
    """Return `values` as what `logits` are: an array, or a tensor on the same device."""
    if not is_tensor(logits):
        return as_numpy(values)
    if is_tensor(values):
        return values.to(logits.device)
    return sys.modules["torch"].tensor(np.asarray(values), device=logits.device)


def read_labels(labels: ArrayLike, verbs: Sequence[str] | None = None) -> np.ndarray:
    """Return labels as (n, v) booleans; a table's columns must be `verbs`, in that order, else ValueError."""
    columns = getattr(labels, "columns", None)
    labels = as_numpy(labels)
    if labels.ndim != 2 or labels.shape[1] == 0:
        raise ValueError(f"labels are (people, verbs), got shape {labels.shape}")
    if verbs is not None:
        _check_verbs(verbs, labels.shape)
        if columns is not None and list(columns) != list(verbs):
            raise ValueError(f"labels: the columns are not the verbs {list(verbs)}, got {list(columns)}")
    return _as_booleans(labels, "labels")


def read_outcomes(outcomes: ArrayLike, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return what is true or false of each person as booleans of `shape`; ValueError for another shape."""
    outcomes = as_numpy(outcomes)
    if outcomes.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {outcomes.shape}")
    return _as_booleans(outcomes, name)


def _as_booleans(values: Array, name: str) -> Array:
    if not ((values == 0) | (values == 1)).all():
        raise ValueError(f"{name} are booleans, or 0 and 1; got other values of {values.dtype}")
    return values == 1


def _check_verbs(verbs: Sequence[str], shape: tuple[int, ...]) -> None:
    if twice := sorted({verb for verb in verbs if list(verbs).count(verb) > 1}):
        raise ValueError(f"verbs: {', '.join(twice)} named twice")
    if len(verbs) != shape[1]:
        raise ValueError(f"labels of shape {shape} need {shape[1]} verbs, got {len(verbs)}: {list(verbs)}")
