"""What one reaches without looking at the image: the frequencies of verbs, and of sets of verbs, in train."""

import numpy as np
from numpy.typing import ArrayLike

from lib.metrics.decoding import predict_k
from lib.metrics.inputs import as_numpy, read_labels


def verb_frequency(train_labels: ArrayLike, n: int) -> np.ndarray:
    """Return logits (n, v), the same for everyone: each verb's share of the train persons, (m, v) labels.

    Decoded with the true K these predict the K most frequent verbs. They are no log-odds: a threshold means
    nothing.
    """
    train_labels = _read_train(train_labels)
    return np.tile(train_labels.mean(axis=0), (n, 1))


def most_frequent_set(train_labels: ArrayLike, k: ArrayLike) -> np.ndarray:
    """Predict for each person the set of verbs most frequent among the train persons with as many verbs.

    `k` are whole numbers (n,), the persons' true numbers of verbs; returns booleans (n, v). Of sets equally
    frequent, the one with the earlier verbs wins. A k that nobody in train has gives the k most frequent
    verbs.
    """
    train_labels, k = _read_train(train_labels), as_numpy(k)
    predicted = predict_k(verb_frequency(train_labels, k.size), k)
    sizes = train_labels.sum(axis=1)
    for size in np.intersect1d(k, sizes):
        sets, counts = np.unique(train_labels[sizes == size], axis=0, return_counts=True)
        best = np.flatnonzero(counts == counts.max())[-1]  # sets are sorted: the last has the earliest verbs
        predicted[k == size] = sets[best]
    return predicted


def _read_train(train_labels: ArrayLike) -> np.ndarray:
    train_labels = read_labels(train_labels)
    if not len(train_labels):
        raise ValueError(f"train_labels hold nobody to count, got shape {train_labels.shape}")
    return train_labels
