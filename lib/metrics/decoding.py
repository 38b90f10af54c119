"""From logits to verbs, and how many of them are right, person by person.

Arrays and tensors alike: the result is of the kind of `logits` and stays on its device. Leading axes, such as
seeds and epochs, are carried along: (..., n, v) -> (..., n). NaN logits and other shapes are a ValueError.
"""

import numpy as np
from numpy.typing import ArrayLike

from lib.metrics.inputs import Array, alike, is_tensor, read_logits, read_pair


def predict_k(logits: Array, k: ArrayLike) -> Array:
    """Predict the `k` verbs with the largest logits: booleans (..., n, v).

    `k` is one whole number from 0 to v, or one per person: (n,) or (..., n). Of equal logits the earlier verb
    wins.
    """
    logits = read_logits(logits)
    k = _read_k(k, logits)
    cutoff = _kth_largest(logits, k)
    above, tied = logits > cutoff, logits == cutoff
    room = k - above.sum(-1)
    return above | (tied & (tied.cumsum(-1) <= room[..., None]))


def predict_true_k(logits: Array, labels: ArrayLike) -> Array:
    """Predict as many verbs as the person truly has, those with the largest logits: booleans (..., n, v).

    The decoding of the thesis. `labels` are (n, v), or of the logits' shape. It is told K, which no deployed
    system is: see `predict_at`.
    """
    logits, labels = read_pair(logits, labels)
    return predict_k(logits, labels.sum(-1))


def predict_at(logits: Array, threshold: ArrayLike = 0.0) -> Array:
    """Predict every verb whose logit is above `threshold`, one for all or (v,): booleans (..., n, v).

    The threshold is a logit: 0 is a probability of 0.5, log(p / (1 - p)) a probability of p.
    """
    logits = read_logits(logits)
    return logits > alike(threshold, logits)


def exact_match(logits: Array, labels: ArrayLike) -> Array:
    """Say for each person whether the K largest logits are those of the K true verbs: booleans (..., n).

    The accuracy of the thesis is their mean. Without a true verb, K = 0, nothing is predicted, and that is
    right: True. `labels` are (n, v), or of the logits' shape; of equal logits the earlier verb wins.
    """
    logits, labels = read_pair(logits, labels)
    return (predict_k(logits, labels.sum(-1)) == labels).all(-1)


def partial_match(logits: Array, labels: ArrayLike) -> Array:
    """Return for each person the share |predicted & true| / K of the K true verbs: floats (..., n).

    Predicted as in `exact_match`, so it is 1 where that is True, K = 0 included. Tensors give torch's default
    float, arrays float64.
    """
    logits, labels = read_pair(logits, labels)
    return share_found(predict_k(logits, labels.sum(-1)), labels)


def exact_match_at(logits: Array, labels: ArrayLike, threshold: float = 0.0) -> Array:
    """Say for each person whether the verbs above `threshold` are exactly the true ones: booleans (..., n).

    Knows nothing of K. The threshold is a logit, as in `predict_at`: 0 is a probability of 0.5.
    """
    logits, labels = read_pair(logits, labels)
    return (predict_at(logits, threshold) == labels).all(-1)


def share_found(predicted: Array, labels: Array) -> Array:
    """Return for each person the share of the true verbs that are predicted, 1 where there are none."""
    k = labels.sum(-1)
    return ((predicted & labels).sum(-1) + (k == 0)) / k.clip(1)


def _read_k(k: ArrayLike, logits: Array) -> Array:
    """Return k as 64-bit integers, one per person of `logits` or of its trailing axes."""
    k = alike(k, logits)
    people, verbs = tuple(logits.shape[:-1]), logits.shape[-1]
    if "int" not in str(k.dtype):
        raise ValueError(f"k is a whole number from 0 to {verbs}, got {k.dtype}")
    k = k.long() if is_tensor(k) else k.astype(np.int64)
    if ((k < 0) | (k > verbs)).any():
        raise ValueError(f"k is a whole number from 0 to {verbs}, got {int(k.min())} to {int(k.max())}")
    if tuple(k.shape) != people[len(people) - k.ndim :]:
        raise ValueError(
            f"k for logits of shape {tuple(logits.shape)} has shape {people}, got {tuple(k.shape)}"
        )
    return k


def _kth_largest(logits: Array, k: Array) -> Array:
    """Return each person's k-th largest logit (..., n, 1); the largest where k is 0."""
    verbs, people = logits.shape[-1], logits.shape[:-1]
    place = (verbs - k).clip(max=verbs - 1)  # in ascending order
    if is_tensor(logits):
        return logits.sort(-1).values.take_along_dim(place.broadcast_to(people)[..., None], -1)
    return np.take_along_axis(np.sort(logits, axis=-1), np.broadcast_to(place, people)[..., None], -1)
