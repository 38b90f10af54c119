"""Training as in the thesis, for all seeds of a model in one call: Adam on the verbs' logistic loss.

Everything random depends on the seed and the epoch alone, so a seed's result is the same in any company,
and a training that goes on after a kill needs no state of generators.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm.auto import tqdm

from lib.models.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from lib.models.inputs import Table, check_people
from lib.models.learner import Learner, Metric, People
from lib.models.seeded import SeededModule, seed_weights, take_seeds, with_weights
from lib.precision import check_device

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class FitResult:
    """What `fit` returns.

    model    the networks after the last epoch, on the CPU
    history  one row per `seed` and `epoch` (from 1): `train_loss`, the mean over the epoch's people while
             they were learnt, then `<set>_loss` and `<set>_<metric>` of the set `held_out`, unless it is
             empty, and of every evaluation set
    kept     the weights that were asked for, by (seed, epoch)
    records  the recorded metrics by `<set>_<metric>`: (seeds, epochs, n), a value per person and epoch
    """

    model: SeededModule
    history: pd.DataFrame
    kept: Mapping[tuple[int, int], Weights]
    records: Mapping[str, np.ndarray]

    def best_epochs(self, column: str) -> pd.Series:
        """Return each seed's epoch, by seed, at which a column of the history is best.

        Best is lowest for a loss, else highest; the first of equals. A seed with no number is absent.
        """
        return _best_epochs(self.history, column)

    def model_at(self, epochs: int | Mapping[int, int] | pd.Series) -> SeededModule:
        """Build the model with the kept weights of one epoch, or of each seed's own; KeyError if not kept."""
        seeds = self.model.seeds
        by_seed = dict.fromkeys(seeds, epochs) if isinstance(epochs, int | np.integer) else epochs
        pairs = [(seed, int(by_seed[seed])) for seed in seeds]
        if missing := [pair for pair in pairs if pair not in self.kept]:
            raise KeyError(
                f"no weights kept of (seed, epoch) {missing}; ask fit with keep_epochs or keep_best"
            )
        return with_weights(self.model, [self.kept[pair] for pair in pairs], seeds)


def fit(
    model: SeededModule,
    features: Table,
    labels: Table,
    *,
    epochs: int = 50,
    batch_size: int = 15,
    learning_rate: float = 1e-4,
    held_out: float = 0.05,
    evaluate: Mapping[str, tuple[Table, Table]] | None = None,
    metrics: Mapping[str, Metric] | None = None,
    record: Collection[str] = (),
    keep_epochs: Collection[int] = (),
    keep_best: Sequence[str] = (),
    device: str = "cpu",
    seeds_at_once: int | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 60,
    title: str = "training",
) -> FitResult:
    """Train every seed of a model on features (n, in) and boolean labels (n, verbs); `model` stays as it is.

    held_out       share of the people, drawn by each seed, that it is not trained on: the set `held_out`
    evaluate       sets of people by name, features and labels, that are measured after every epoch
    metrics        functions by name of logits (n, verbs) and labels (n, verbs); the history holds their means
    record         names of metrics whose value for each person is kept too, after every epoch
    keep_epochs    epochs whose weights are kept, 0 for the first ones: 6.6 MB a seed at the thesis's size
    keep_best      columns of the history: the weights of each seed's best epoch are kept
    seeds_at_once  seeds in one forward pass; by default one on a CPU, for its cache's sake, all on a GPU
    checkpoint     file that holds the state, written at most every `checkpoint_seconds` and at the end. A
                   training that was killed goes on from it, to the same result; with other data or settings
                   it is overwritten, with a warning
    title          what the progress bar says

    With one seed in a pass, a seed's result on a CPU has the same bits in any company, for the same number
    of threads; with more, it is the same to rounding, which raw pixel coordinates amplify to other weights.
    Raises ValueError for input that does not fit, DataError where `checkpoint` is another kind of file or the
    device is not here.
    """
    check_device(device)
    if seeds_at_once is None:
        seeds_at_once = 1 if torch.device(device).type == "cpu" else len(model.seeds)
    keep = tuple(keep_epochs), tuple(keep_best)
    where = torch.device(device).type, seeds_at_once
    plan = _Plan(epochs, batch_size, learning_rate, held_out, tuple(record), *keep, *where)
    sets = _load_sets(model, {"train": (features, labels)}, evaluate or {}, device)
    mark = _mark(model, sets, plan, metrics or {})
    found = load_checkpoint(Path(checkpoint), mark) if checkpoint else None
    state = _State(**found) if found else _State(0, [], [], _snapshot([model], 0), [])

    learners = _make_learners(model, state, sets.pop("train"), plan, device)
    saved = time.monotonic()
    ahead = range(state.epoch + 1, epochs + 1)
    for epoch in tqdm(ahead, title, epochs, initial=state.epoch, unit="epoch"):
        state = _advance(state, learners, epoch, plan, sets, metrics or {})
        if checkpoint and (epoch == epochs or time.monotonic() - saved >= checkpoint_seconds):
            save_checkpoint(Path(checkpoint), mark, vars(state))
            saved = time.monotonic()
    last = with_weights(model, [state.kept[seed, epochs] for seed in model.seeds], model.seeds)
    history = _table(state.rows)
    asked = _asked_for(history, plan, model.seeds)
    kept = {pair: state.kept[pair] for pair in sorted(asked)}
    return FitResult(last, history, kept, _stack(state, model.seeds))


@dataclass(frozen=True)
class _Plan:
    """The settings that decide what is learnt and what is kept of it; ValueError for impossible ones."""

    epochs: int
    batch_size: int
    learning_rate: float
    held_out: float
    record: tuple[str, ...]
    keep_epochs: tuple[int, ...]
    keep_best: tuple[str, ...]
    device: str
    seeds_at_once: int

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "seeds_at_once"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, got {getattr(self, name)}")
        if not 0 <= self.held_out < 1:
            raise ValueError(f"held_out is a share from 0 to below 1, got {self.held_out}")
        if outside := [epoch for epoch in self.keep_epochs if not 0 <= epoch <= self.epochs]:
            raise ValueError(f"keep_epochs are between 0 and {self.epochs}, got {outside}")


@dataclass(frozen=True)
class _State:
    """A training after some epoch: what the checkpoint holds.

    rows      the history so far
    recorded  the recorded metrics of each row
    kept      weights by (seed, epoch), those after this epoch always among them
    moments   Adam's state of each learner; none before the first epoch
    """

    epoch: int
    rows: list[dict[str, float]]
    recorded: list[dict[str, Tensor]]
    kept: dict[tuple[int, int], Weights]
    moments: list[dict]


def _load_sets(
    model: SeededModule,
    train: Mapping[str, tuple[Table, Table]],
    evaluate: Mapping[str, tuple[Table, Table]],
    device: str,
) -> dict[str, People]:
    """Check all sets and put them on the device."""
    if reserved := sorted(evaluate.keys() & {"train", "held_out"}):
        raise ValueError(f"evaluation sets need other names than {', '.join(reserved)}")
    sets = {}
    for name, pair in {**train, **evaluate}.items():
        values, truth = check_people(*pair, model.in_features, model.verbs, name)
        sets[name] = People(torch.from_numpy(values).to(device), torch.from_numpy(truth).float().to(device))
    return sets


def _make_learners(
    model: SeededModule, state: _State, train: People, plan: _Plan, device: str
) -> list[Learner]:
    """Build the learners, of `seeds_at_once` seeds each, as they were after the state's epoch."""
    weights = [state.kept[seed, state.epoch] for seed in model.seeds]
    model = with_weights(model, weights, model.seeds)
    settings = {key: getattr(plan, key) for key in ("batch_size", "learning_rate", "held_out")}
    step = plan.seeds_at_once
    groups = [model.seeds[start : start + step] for start in range(0, len(model.seeds), step)]
    learners = [Learner(take_seeds(model, group).to(device), train, **settings) for group in groups]
    for learner, moments in zip(learners, state.moments, strict=False):
        learner.optimiser.load_state_dict(moments)
    return learners


def _advance(
    state: _State,
    learners: list[Learner],
    epoch: int,
    plan: _Plan,
    sets: Mapping[str, People],
    metrics: Mapping[str, Metric],
) -> _State:
    """Train and measure one epoch; return the new state, with no more weights than are still needed."""
    rows, recorded = list(state.rows), list(state.recorded)
    for learner in learners:
        losses, measured = learner.train_epoch(epoch), learner.measure(sets, metrics, plan.record)
        for seed, loss, (row, values) in zip(learner.model.seeds, losses, measured, strict=True):
            rows.append({"seed": seed, "epoch": epoch, "train_loss": loss, **row})
            recorded.append(values)
    kept = state.kept | _snapshot([learner.model for learner in learners], epoch)
    seeds = [seed for learner in learners for seed in learner.model.seeds]
    needed = _asked_for(_table(rows), plan, seeds) | {(seed, epoch) for seed in seeds}
    kept = {pair: weights for pair, weights in kept.items() if pair in needed}
    return _State(epoch, rows, recorded, kept, [learner.optimiser.state_dict() for learner in learners])


def _stack(state: _State, seeds: Sequence[int]) -> dict[str, np.ndarray]:
    """Put what was recorded of each seed and epoch into one array a metric."""
    by_pair = {(row["seed"], row["epoch"]): v for row, v in zip(state.rows, state.recorded, strict=True)}
    epochs = range(1, state.epoch + 1)
    return {
        name: torch.stack([torch.stack([by_pair[s, e][name] for e in epochs]) for s in seeds]).numpy()
        for name in (state.recorded[0] if state.recorded else {})
    }


def _snapshot(models: Sequence[SeededModule], epoch: int) -> dict[tuple[int, int], Weights]:
    return {(seed, epoch): seed_weights(model, seed) for model in models for seed in model.seeds}


def _asked_for(history: pd.DataFrame, plan: _Plan, seeds: Sequence[int]) -> set[tuple[int, int]]:
    """Return the (seed, epoch) whose weights the caller wants, as far as the history tells."""
    asked = {(seed, epoch) for seed in seeds for epoch in plan.keep_epochs}
    return asked.union(*(_best_epochs(history, column).items() for column in plan.keep_best))


def _best_epochs(history: pd.DataFrame, column: str) -> pd.Series:
    if column not in (columns := history.columns[2:]):
        raise ValueError(f"the history has no column {column}; choose from {', '.join(columns)}")
    rows = history.dropna(subset=[column])
    by_seed = rows.groupby("seed")[column]
    best = by_seed.idxmin() if column.endswith("loss") else by_seed.idxmax()
    return rows.loc[best].set_index("seed")["epoch"]


def _table(rows: list[dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows).sort_values(["seed", "epoch"], ignore_index=True)


def _mark(model: SeededModule, sets: Mapping[str, People], plan: _Plan, metrics: Mapping[str, Metric]) -> str:
    """Return the fingerprint of all that the result depends on; of metrics, their names."""
    settings = {"model": type(model).__qualname__, "settings": model.settings(), "plan": asdict(plan)}
    settings |= {"sets": list(sets), "metrics": list(metrics)}
    tensors = [values for people in sets.values() for values in people]
    return fingerprint(settings, [*model.state_dict().values(), *tensors])
