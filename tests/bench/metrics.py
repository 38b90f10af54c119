"""Scores and intervals of V-COCO's test people, with drawn logits."""

from collections.abc import Callable

import numpy as np

from bench import literal_metrics
from bench.fullsize import draw_logits, draw_people
from bench.machine import alternate, bandwidth, forget_peak, peak_memory, timed, walls
from bench.table import Outcome, Row, Sample
from lib.metrics import bootstrap_interval, exact_match, mean_average_precision, partial_match
from lib.vcoco import VERBS

ROUNDS, RESAMPLES = 3, 2000


def measure() -> Outcome:
    """Time matches, mAP and an interval of one arm and seed beside loops over people and images."""
    logits, labels, image_ids = draw_test()
    exact = exact_match(logits, labels)
    images = len(np.unique(image_ids))
    people = len(labels)
    pairs = {
        "exact and partial match": (
            lambda: (exact_match(logits, labels), partial_match(logits, labels)),
            lambda: literal_metrics.match(logits, labels),
            "person by person",
        ),
        "mAP of 26 verbs": (
            lambda: mean_average_precision(logits, labels),
            lambda: literal_metrics.mean_average_precision(logits, labels),
            "verb by verb, person by person",
        ),
        f"95 % interval of the mean, {RESAMPLES:,} resamples of {images:,} images": (
            lambda: bootstrap_interval(exact, image_ids, resamples=RESAMPLES)[1:],
            lambda: literal_metrics.bootstrap(exact.tolist(), image_ids.tolist(), RESAMPLES, 0),
            "resample by resample, image by image",
        ),
    }
    # What must be read at least: logits and labels once; and of each resample, every index, sum and size.
    least = [logits.nbytes + labels.nbytes, logits.nbytes + labels.nbytes, RESAMPLES * images * 24]
    rate = bandwidth()
    rows = [
        compare(name, people, *pair, rate / bytes_read)
        for (name, pair), bytes_read in zip(pairs.items(), least, strict=True)
    ]
    return Outcome(rows, notes=[f"Metrics: {people:,} test people, drawn logits of one seed."])


def compare(name: str, people: int, ours: Callable, theirs: Callable, way: str, runs_a_second: float) -> Row:
    """Check that both give the same, then time them in turn."""
    forget_peak()
    found = ours()
    memory = peak_memory()
    np.testing.assert_allclose(np.array(found, dtype=float), np.array(theirs(), dtype=float), rtol=1e-9)
    times = {side: walls(one) for side, one in alternate({"ours": ours, "literal": theirs}, ROUNDS).items()}
    limit = "reading once at memory bandwidth"
    return Row(name, "run", 1, times["ours"], memory, way, times["literal"], limit, runs_a_second)


def draw_test(share: float = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw logits, labels and images of a share of test's people."""
    people = draw_people(share)
    test = people[people["split"] == "test"]
    logits = draw_logits(test, 1, 0).loc[0].to_numpy()
    return logits, test[list(VERBS)].to_numpy(), test["image_id"].to_numpy()


def at_scale(scale: int) -> Sample:
    """Compute all three of so many eighths of the test people, twenty times."""
    logits, labels, image_ids = draw_test(scale / 8)
    forget_peak()

    def run() -> None:
        for _ in range(20):
            exact, _ = exact_match(logits, labels), partial_match(logits, labels)
            mean_average_precision(logits, labels)
            bootstrap_interval(exact, image_ids, resamples=RESAMPLES)

    return Sample("metrics: matches, mAP, interval, 20 times", len(labels), timed(run).wall, peak_memory())
