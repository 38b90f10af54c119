"""What the tests of metrics share: logits with ties and labels drawn, the largest K found literally."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def logits_and_labels(draw, leading: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Draw logits (..., n, v) with many ties, few or none, and labels (n, v) from none to all."""
    shape = draw(st.lists(st.integers(1, 3), max_size=leading))
    people, verbs = draw(st.integers(0, 6)), draw(st.sampled_from([1, 2, 3, 5, 26]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = rng.normal(size=(*shape, people, verbs))
    ties = draw(st.sampled_from(["all", "many", "none", "infinite"]))
    if ties != "none":
        logits = np.round(logits * {"all": 0.0, "many": 1.0, "infinite": 2.0}[ties])
    if ties == "infinite":
        logits[np.abs(logits) > 2] *= np.inf
    return logits, rng.random((people, verbs)) < rng.random((people, 1)) * 1.2 - 0.1


def literal_top(logits: np.ndarray, k: int) -> set[int]:
    order = sorted(range(len(logits)), key=lambda verb: (-logits[verb], verb))
    return set(order[:k])
