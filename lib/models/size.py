"""The size of models, so that what is compared is not who has more weights."""

from bisect import bisect_left
from collections.abc import Callable
from math import isqrt

from lib.models.seeded import SeededModule


def count_parameters(model: SeededModule) -> int:
    """Return how many numbers a model learns for each of its seeds."""
    return sum(values[0].numel() for values in model.parameters() if values.requires_grad)


def match_hidden(make_model: Callable[..., SeededModule], reference: SeededModule) -> int:
    """Return the `hidden` with which a model has as many parameters per seed as a reference, within 1 %.

    The model is `make_model(in_features, verbs=..., hidden=...)`, with a layer of hidden x hidden weights or
    more. Raises ValueError where no width comes as near.
    """
    wanted = count_parameters(reference)

    def count(hidden: int) -> int:
        """Return the parameters of the model with this width."""
        return count_parameters(make_model(reference.in_features, verbs=reference.verbs, hidden=hidden))

    widths = range(1, isqrt(wanted) + 1)  # a wider layer alone would have more
    first = bisect_left(widths, wanted, key=count)
    nearest = min(widths[max(first - 1, 0) : first + 1], key=lambda hidden: abs(count(hidden) - wanted))
    if abs(count(nearest) - wanted) > wanted / 100:
        raise ValueError(
            f"no width gives {wanted} parameters within 1 %: {count(nearest)} with hidden={nearest}"
        )
    return nearest
