"""Arms trained again on train and val together, for the epochs that val chose before."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from lib.experiments.arms import complete_people
from lib.experiments.results import Results, digest_data, join, load_same, results_from_logits
from lib.experiments.runs import MakeModel
from lib.experiments.tables import chosen_epochs
from lib.models import ActionMLP, SeededModule, fit, predict
from lib.models.checkpoint import fingerprint
from lib.profiles import Profile

REFITTED = " (train + val)"  # after the name of an arm


def refit(
    profile: Profile,
    name: str,
    people: pd.DataFrame,
    inputs: Mapping[str, pd.DataFrame],
    verbs: Sequence[str],
    results: Results,
    *,
    device: str = "cpu",
    make_model: MakeModel = ActionMLP,
) -> Results:
    """Train the arms of `inputs` again on train and val, and keep the results as `results/<name>_*.parquet`.

    `results` are those of `run_experiment` with the same people, arms, verbs and model. Val is learnt now and
    can choose no epoch: each arm takes the median, rounded, of the epochs that it chose for the arm's seeds
    under `clean`. An epoch is longer by val's people, of whom 5 % are held out as of train's. Returned are
    results of `clean` on test alone, the arms named "<arm> (train + val)".
    """
    inputs = {arm: table.loc[people.index] for arm, table in inputs.items()}
    chosen = chosen_epochs(results, "clean")
    epochs = {arm: round(chosen[arm].median()) for arm in inputs}
    models = {
        arm: make_model(table.shape[1], seeds=chosen[arm].index, verbs=len(verbs))
        for arm, table in inputs.items()
    }
    mark = _fingerprint(people, inputs, verbs, epochs, models)
    if (stored := load_same(profile, name, mark)) is not None:
        return stored
    shared = people.loc[complete_people(inputs)]
    checkpoints = {arm: profile.results / f"{name}_{arm.replace(' ', '_')}.part" for arm in inputs}
    parts = []
    for arm, table in inputs.items():
        options = {"epochs": epochs[arm], "device": device, "checkpoint": checkpoints[arm]}
        options["title"] = arm + REFITTED
        logits = _learn(models[arm], table.loc[shared.index], shared, verbs, **options)
        parts.append(results_from_logits({arm + REFITTED: logits}, shared, verbs, epochs[arm]))
    refitted = join(*parts).marked(mark, digest_data(profile))
    refitted.save(profile, name)
    for path in checkpoints.values():
        path.unlink(missing_ok=True)
    return refitted


def _learn(
    model: SeededModule, table: pd.DataFrame, people: pd.DataFrame, verbs: Sequence[str], **options: Any
) -> pd.DataFrame:
    """Train on all people but test's; return the logits of test's, by `seed` and `ann_id`."""
    test = people["split"] == "test"
    trained = fit(model, table[~test], people.loc[~test, list(verbs)], **options).model
    by_seed = zip(trained.seeds, predict(trained, table[test]), strict=True)
    tables = {seed: pd.DataFrame(logits, people.index[test], list(verbs)) for seed, logits in by_seed}
    return pd.concat(tables, names=["seed"])


def _fingerprint(
    people: pd.DataFrame,
    inputs: Mapping[str, pd.DataFrame],
    verbs: Sequence[str],
    epochs: Mapping[str, int],
    models: Mapping[str, SeededModule],
) -> str:
    """Return a digest of all that the results depend on, first weights included."""
    settings = {"verbs": list(verbs), "epochs": dict(epochs), "splits": people["split"].tolist()}
    settings |= {arm: [type(model).__qualname__, model.settings()] for arm, model in models.items()}
    tensors = [torch.tensor(values.to_numpy()) for values in (people.index, people[list(verbs)])]
    for arm, table in inputs.items():
        tensors.append(torch.from_numpy(np.ascontiguousarray(table, dtype=np.float32)))
        tensors += models[arm].state_dict().values()
    return fingerprint(settings, tensors)
