"""The model that is used: what it is chosen by, its thresholds, its measured accuracy, its very weights."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from studies import VERBS, draw_people

from lib import experiments
from lib.experiments.results import KEYS
from lib.metrics import bootstrap_interval, exact_match, mean_average_precision
from lib.models import predict
from lib.profiles import load_profile

SEEDS, EPOCHS = 2, 4


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return draw_people(splits={"train": 120, "val": 60, "test": 60})


@pytest.fixture(scope="module")
def inputs(people) -> dict[str, pd.DataFrame]:
    """An arm that sees the labels through noise, and one that sees less."""
    rng = np.random.default_rng(0)
    seen = people[VERBS].to_numpy(float) + 0.5 * rng.standard_normal((len(people), len(VERBS)))
    strong = pd.DataFrame(seen, people.index).astype(np.float32)
    return {"strong": strong, "weak": strong.iloc[:, :1]}


@pytest.fixture(scope="module")
def results(people, inputs, tmp_path_factory) -> experiments.Results:
    profile = replace(load_profile("sample"), data=tmp_path_factory.mktemp("deployment"))
    return experiments.run_experiment(
        profile, "x", people, inputs, VERBS, seeds=SEEDS, epochs=EPOCHS, learning_rate=1e-3
    )


@pytest.fixture(scope="module")
def trained(people, inputs):
    settings = {"seeds": SEEDS, "epochs": EPOCHS, "learning_rate": 1e-3}
    return experiments.train_arm(people, inputs["strong"], VERBS, **settings)


def test_arms_are_chosen_by_the_mean_of_their_seeds_on_val(results):
    accuracy = experiments.accuracy_on_val(results)
    for arm in ("strong", "weak"):
        history = results.history.xs(("clean", arm), level=KEYS[:2])
        best = [history.loc[[seed], "val_exact"].max() for seed in range(SEEDS)]
        assert accuracy[arm] == pytest.approx(100 * np.mean(best))
    assert accuracy.idxmax() == "strong"


def test_the_arm_trained_again_has_the_weights_of_the_results(results, trained, people, inputs):
    network, chosen = trained
    assert dict(chosen) == dict(experiments.chosen_epochs(results, "clean")["strong"])
    test = people.index[people["split"] == "test"]
    logits = predict(network, inputs["strong"].loc[test])
    for seed in range(SEEDS):
        kept = results.logits.xs(("clean", "strong", seed), level=KEYS).loc[test, VERBS]
        assert np.array_equal(logits[seed], kept.to_numpy(np.float32))


def test_probabilities_are_means_over_seeds_and_missing_where_a_number_is(trained, inputs):
    network, _ = trained
    numbers = inputs["strong"].copy()
    numbers.iloc[5, 2] = np.nan
    table = experiments.mean_probabilities(network, numbers, VERBS)
    assert table.isna().all(axis="columns").sum() == 1
    assert table.iloc[5].isna().all()
    logits = predict(network, numbers.iloc[[7]])[:, 0]
    assert table.iloc[7].to_numpy() == pytest.approx(np.mean(1 / (1 + np.exp(-logits)), axis=0), abs=1e-6)


def test_no_other_threshold_matches_more_people_of_val(trained, people, inputs):
    table = experiments.mean_probabilities(trained[0], inputs["strong"], VERBS)[people["split"] == "val"]
    labels = people.loc[table.index, VERBS].to_numpy()
    thresholds = experiments.tune_probabilities(table, people)
    assert list(thresholds) == VERBS
    (threshold,) = set(thresholds.values())
    matched = ((table.to_numpy() > threshold) == labels).all(axis=1).mean()
    tried = [((table.to_numpy() > one) == labels).all(axis=1).mean() for one in np.linspace(0, 1, 400)]
    assert matched >= max(tried)
    assert 0 < threshold < 1


def test_accuracy_is_measured_by_the_tested_functions(trained, people, inputs):
    table = experiments.mean_probabilities(trained[0], inputs["strong"], VERBS)[people["split"] == "test"]
    labels, images = people.loc[table.index, VERBS].to_numpy(), people.loc[table.index, "image_id"]
    measured = experiments.measure_probabilities(table, people, dict.fromkeys(VERBS, 0.4))
    right = exact_match(table.to_numpy(float), labels)
    expected = bootstrap_interval(right.astype(float), images)
    assert measured["exact match, K known"] == pytest.approx(
        {name: 100 * value for name, value in expected._asdict().items()}
    )
    named = (table.to_numpy() > 0.4) == labels
    assert measured["exact match, thresholds"]["point"] == pytest.approx(100 * named.all(axis=1).mean())
    precision = mean_average_precision(table.to_numpy(), labels)
    assert measured["mAP"]["point"] == pytest.approx(100 * precision)
    assert measured["mAP"]["low"] < 100 * precision < measured["mAP"]["high"]


def test_shuffled_poses_are_those_of_others_of_the_same_split(people):
    rng = np.random.default_rng(0)
    names = ["clip_0", *experiments.POSE_COLUMNS]
    inputs = pd.DataFrame(rng.random((len(people), 52)), people.index, names)
    shuffled = experiments.shuffle_poses(inputs, people["split"])
    assert shuffled["clip_0"].equals(inputs["clip_0"])
    assert list(shuffled.columns) == names
    for split in ("train", "val", "test"):
        before, after = (t.loc[people["split"] == split, names[1:]].to_numpy() for t in (inputs, shuffled))
        assert not np.array_equal(before, after)
        assert sorted(map(tuple, before)) == sorted(map(tuple, after))
    assert experiments.shuffle_poses(inputs, people["split"]).equals(shuffled)
    assert not experiments.shuffle_poses(inputs, people["split"], seed=1).equals(shuffled)
