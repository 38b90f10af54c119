"""Train the arms of an experiment, once: results of the same numbers and settings are loaded again."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lib.experiments.arms import complete_people
from lib.experiments.results import KEYS, THESIS_SEEDS, Results, digest_data, join, load_same
from lib.metrics import exact_match, partial_match
from lib.models import ActionMLP, FitResult, SeededModule, fit, predict, take_seeds
from lib.models.checkpoint import fingerprint
from lib.profiles import DataError, Profile

# Protocol -> what chooses the epoch. The thesis's chooses it on test, so that its accuracy is optimistic.
CHOSEN_BY = {"thesis": "test_exact", "clean": "val_exact"}
MEASURED = ("val", "test")
LEARNING_RATE = 1e-4  # the thesis's

MakeModel = Callable[..., SeededModule]  # of in_features, seeds=..., verbs=...


def run_experiment(
    profile: Profile,
    name: str,
    people: pd.DataFrame,
    inputs: Mapping[str, pd.DataFrame],
    verbs: Sequence[str],
    *,
    seeds: int,
    epochs: int,
    device: str = "cpu",
    make_model: MakeModel = ActionMLP,
    learning_rate: float = LEARNING_RATE,
) -> Results:
    """Train every arm under both protocols, and keep the results as `results/<name>_*.parquet`.

    people       indexed by `ann_id`, with `split` and the verbs
    inputs       by arm, one row of numbers per person, NaN where one is missing
    make_model   a kind of network, or a `functools.partial` of one with its settings

    `thesis`: one seed; each arm has all people whom it has numbers of; the epoch is the best on test.
    `clean`: all seeds; every arm has the same people, those complete in all arms; each seed's epoch is the
    best on val. A training that was killed goes on. Raises DataError where nobody of a split is complete.
    """
    inputs = {arm: table.loc[people.index] for arm, table in inputs.items()}
    settings: dict[str, Any] = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "make_model": make_model,
    }
    mark = _fingerprint(people, inputs, verbs, seeds, **settings)
    if (stored := load_same(profile, name, mark)) is not None:
        return stored
    shared = complete_people(inputs)
    _check_splits(name, people.loc[shared, "split"])
    parts, checkpoints = [], []
    for arm, table in inputs.items():
        file = f"{name}_{arm.replace(' ', '_')}"
        checkpoints += [profile.results / f"{file}.{protocol}.part" for protocol in CHOSEN_BY]
        data = table.join(people[["split", *verbs]])
        options = {"verbs": verbs, "device": device, **settings}
        own = data.loc[complete_people(table)]
        clean = _train(data.loc[shared], range(seeds), title=arm, checkpoint=checkpoints[-1], **options)
        parts.append(_collect("clean", arm, clean, data.loc[shared], verbs))
        if len(own) == len(shared):  # the same people, so the same training
            parts.append(_collect("thesis", arm, clean, own, verbs))
        else:
            title = f"{arm}, thesis"
            thesis = _train(own, THESIS_SEEDS, title=title, checkpoint=checkpoints[-2], **options)
            parts.append(_collect("thesis", arm, thesis, own, verbs))
    results = join(*parts).marked(mark, digest_data(profile))
    results.save(profile, name)
    for path in checkpoints:
        path.unlink(missing_ok=True)
    return results


def train_arm(
    people: pd.DataFrame,
    table: pd.DataFrame,
    verbs: Sequence[str],
    *,
    seeds: int,
    epochs: int,
    device: str = "cpu",
    make_model: MakeModel = ActionMLP,
    learning_rate: float = LEARNING_RATE,
) -> tuple[SeededModule, pd.Series]:
    """Train one arm as `run_experiment` does under `clean`; return the network and the epochs by seed.

    On a CPU with the same number of threads it has the very weights whose results were kept.
    """
    data = table.loc[people.index].join(people[["split", *verbs]])
    fitted = _train(
        data.loc[complete_people(table.loc[people.index])],
        range(seeds),
        title="the model to save",
        verbs=verbs,
        epochs=epochs,
        device=device,
        make_model=make_model,
        learning_rate=learning_rate,
        checkpoint=None,
    )
    best = fitted.best_epochs(CHOSEN_BY["clean"])
    return fitted.model_at(best), best


def _train(
    data: pd.DataFrame,
    seeds: Sequence[int],
    *,
    title: str,
    verbs: Sequence[str],
    epochs: int,
    device: str,
    make_model: MakeModel,
    learning_rate: float,
    checkpoint: Path | None,
) -> FitResult:
    """Train on the rows of `data` whose split is train; measure val and test after every epoch."""
    sets = {split: _split(data, split, verbs) for split in ("train", *MEASURED)}
    return fit(
        make_model(sets["train"][0].shape[1], seeds=seeds, verbs=len(verbs)),
        *sets["train"],
        epochs=epochs,
        learning_rate=learning_rate,
        evaluate={split: sets[split] for split in MEASURED},
        metrics={"exact": exact_match, "partial": partial_match},
        record=["exact"],
        keep_best=list(CHOSEN_BY.values()),
        device=device,
        checkpoint=checkpoint,
        title=title,
    )


def _check_splits(name: str, splits: pd.Series) -> None:
    for split in ("train", *MEASURED):
        if not (splits == split).any():
            raise DataError(
                f"Experiment {name}: nobody of {split} is left who has all the numbers that its arms need; "
                "notebook 02 says who has no pose, and why."
            )


def _split(data: pd.DataFrame, split: str, verbs: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = data[data["split"] == split]
    return rows.drop(columns=["split", *verbs]), rows[list(verbs)]


def _collect(protocol: str, arm: str, fitted: FitResult, data: pd.DataFrame, verbs: Sequence[str]) -> Results:
    """Tabulate what a protocol keeps of a training: its seeds, and the logits of its epochs."""
    seeds = THESIS_SEEDS if protocol == "thesis" else fitted.model.seeds
    best = fitted.best_epochs(CHOSEN_BY[protocol])
    model = take_seeds(fitted.model_at(best), seeds)
    exact, logits = [], []
    for split in MEASURED:
        features, _ = _split(data, split, verbs)
        rows = [fitted.model.seeds.index(seed) for seed in seeds]
        correct = fitted.records[f"{split}_exact"][rows]  # (seeds, epochs, people)
        columns = [str(epoch + 1) for epoch in range(correct.shape[1])]
        for seed, by_epoch, scores in zip(seeds, correct, predict(model, features), strict=True):
            index = pd.MultiIndex.from_product(
                [[protocol], [arm], [seed], features.index], names=[*KEYS, "ann_id"]
            )
            exact.append(pd.DataFrame(by_epoch.T, index, columns))
            logits.append(pd.DataFrame(scores, index, list(verbs)).assign(epoch=best[seed]))
    history = fitted.history[fitted.history["seed"].isin(seeds)].assign(
        protocol=protocol, arm=arm, test_people=int((data["split"] == "test").sum())
    )
    return Results(history.set_index(KEYS), pd.concat(exact), pd.concat(logits))


def _fingerprint(
    people: pd.DataFrame,
    inputs: Mapping[str, pd.DataFrame],
    verbs: Sequence[str],
    seeds: int,
    *,
    epochs: int,
    learning_rate: float,
    make_model: MakeModel,
) -> str:
    """Return a digest of all that the results depend on; of the networks, as they are built for each arm."""
    digest = hashlib.sha256(json.dumps([list(verbs), seeds, epochs, learning_rate]).encode())
    digest.update(pd.util.hash_pandas_object(people[["split", *verbs]]).to_numpy().tobytes())
    for arm, table in inputs.items():
        digest.update(arm.encode())
        digest.update(np.ascontiguousarray(table.to_numpy(np.float32)).data)
        model = make_model(table.shape[1], seeds=THESIS_SEEDS, verbs=len(verbs))
        settings = {"model": type(model).__qualname__} | model.settings()
        digest.update(fingerprint(settings, model.state_dict().values()).encode())
    return digest.hexdigest()
