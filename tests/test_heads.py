"""Heads without training beside literal loops, refits beside `fit`, and results made of bare logits."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from studies import VERBS, WIDTH, draw_features, draw_logits, draw_people

from lib import experiments
from lib.metrics import exact_match
from lib.models import ActionMLP, fit, predict
from lib.profiles import Profile, load_profile

PEOPLE = draw_people()
FEATURES = draw_features(PEOPLE)
PROMPTS = np.random.default_rng(5).standard_normal((len(VERBS), WIDTH)).astype(np.float32)
LABELS = PEOPLE[VERBS].to_numpy()
CACHE = {"alpha": 2.0, "beta": 5.0}


def make_small(in_features: int, seeds: list[int], verbs: int) -> ActionMLP:
    return ActionMLP(in_features, seeds=seeds, hidden=16, verbs=verbs)


def split_of(split: str) -> pd.DataFrame:
    return PEOPLE[PEOPLE["split"] == split]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def literal_votes(query: np.ndarray, cached: np.ndarray, labels: np.ndarray, beta: float) -> np.ndarray:
    """Tip-Adapter's weights, one neighbour after the other."""
    weights = [math.exp(-beta * (1 - cosine(query, one))) for one in cached]
    return sum(weight * row for weight, row in zip(weights, labels, strict=True)) / sum(weights)


# --- Words, and words with neighbours


def test_zero_shot_is_the_cosine_of_image_and_words():
    logits = experiments.zero_shot(FEATURES, PROMPTS, VERBS)
    assert logits.index.equals(FEATURES.index)
    for ann_id, row in logits.head(20).iterrows():
        expected = [cosine(FEATURES.loc[ann_id].to_numpy(), words) for words in PROMPTS]
        assert row.tolist() == pytest.approx(expected, abs=1e-5)


def test_votes_beside_a_loop_over_neighbours():
    queries, cached, labels = FEATURES.to_numpy()[:9], FEATURES.to_numpy()[50:90], LABELS[50:90]
    votes = experiments.neighbour_votes(queries, cached, labels, [0, 3, 40])
    for beta, vote in zip((0, 3, 40), votes, strict=True):
        expected = [literal_votes(query, cached, labels, beta) for query in queries]
        np.testing.assert_allclose(vote, expected, atol=1e-5)
    np.testing.assert_allclose(votes[0], np.tile(labels.mean(axis=0), (9, 1)), atol=1e-6)


def test_a_large_beta_leaves_the_nearest_neighbour_and_many_queries_are_as_one():
    queries = np.random.default_rng(0).standard_normal((2500, WIDTH)).astype(np.float32)
    cached, labels = FEATURES.to_numpy()[:50], LABELS[:50]
    (votes,) = experiments.neighbour_votes(queries, cached, labels, [1e6])
    unit = cached / np.linalg.norm(cached, axis=1, keepdims=True)
    np.testing.assert_allclose(votes, labels[(queries @ unit.T).argmax(axis=1)], atol=0.01)
    for row in (0, 1023, 1024, 2499):
        (alone,) = experiments.neighbour_votes(queries[row : row + 1], cached, labels, [4.0])
        expected = literal_votes(queries[row], cached, labels, 4.0)
        np.testing.assert_allclose(alone[0], expected, atol=1e-5)


@pytest.mark.parametrize("cached", [["train"], ["train", "val"]])
def test_cached_people_vote_for_the_others(cached):
    logits = experiments.cache_logits(FEATURES, PROMPTS, PEOPLE, VERBS, cached=cached, **CACHE)
    known = PEOPLE["split"].isin(cached)
    assert set(logits.index) == set(PEOPLE.index[~known])
    features = FEATURES.loc[PEOPLE.index]
    words = experiments.zero_shot(features, PROMPTS, VERBS)
    for ann_id in logits.index[:10]:
        votes = literal_votes(features.loc[ann_id].to_numpy(), features[known].to_numpy(), LABELS[known], 5.0)
        assert logits.loc[ann_id].tolist() == pytest.approx(
            (words.loc[ann_id] + 2 * votes).tolist(), abs=1e-5
        )


def test_neither_val_nor_test_nor_the_order_of_people_is_looked_at():
    before = experiments.cache_logits(FEATURES, PROMPTS, PEOPLE, VERBS, **CACHE)
    other = PEOPLE.copy()
    other.loc[other["split"] != "train", VERBS] = ~other.loc[other["split"] != "train", VERBS]
    other = other.sample(frac=1, random_state=0)
    after = experiments.cache_logits(FEATURES, PROMPTS, other, VERBS, **CACHE)
    np.testing.assert_allclose(after.loc[before.index], before, atol=1e-6)


def test_tuning_beside_a_loop_over_the_grid():
    alphas, betas = [0.0, 0.5, 4.0], [1.0, 10.0]
    grid = experiments.tune_cache(FEATURES, PROMPTS, PEOPLE, VERBS, alphas, betas)
    val = split_of("val")
    expected = {}
    for alpha in alphas:
        for beta in betas:
            logits = experiments.cache_logits(FEATURES, PROMPTS, PEOPLE, VERBS, alpha=alpha, beta=beta)
            right = exact_match(logits.loc[val.index].to_numpy(), val[VERBS].to_numpy())
            expected[alpha, beta] = right.mean()
    assert grid.set_index(["alpha", "beta"])["val_exact"].to_dict() == pytest.approx(expected)
    assert grid["val_exact"].is_monotonic_decreasing
    equal = grid[grid["alpha"] == 0]
    assert equal["beta"].tolist() == betas
    assert equal["val_exact"].iloc[0] == equal["val_exact"].iloc[1]  # without votes beta means nothing
    other = PEOPLE.copy()
    other.loc[other["split"] == "test", VERBS] = ~other.loc[other["split"] == "test", VERBS]
    pd.testing.assert_frame_equal(
        experiments.tune_cache(FEATURES, PROMPTS, other, VERBS, alphas, betas), grid
    )


def test_missing_features_are_an_error():
    broken = FEATURES.copy()
    broken.iloc[3, 0] = np.nan
    with pytest.raises(ValueError, match=r"1 of \d+ people have missing or infinite numbers"):
        experiments.cache_logits(broken, PROMPTS, PEOPLE, VERBS, **CACHE)


# --- Results without epochs


def test_bare_logits_give_the_same_tables_as_an_experiment(experiment):
    arms = {}
    for arm in ("CLIP only", "noise"):
        arms[arm] = experiment.logits.xs(("clean", arm), level=["protocol", "arm"]).drop(columns="epoch")
    made = experiments.results_from_logits(arms, PEOPLE, VERBS)
    test = split_of("test")
    expected = experiments.clean_table(experiment, test, VERBS)
    pd.testing.assert_frame_equal(experiments.clean_table(made, test, VERBS), expected)
    pairs = [("CLIP only", "noise")]
    expected = experiments.compare_arms(experiment, test, pairs)
    pd.testing.assert_frame_equal(experiments.compare_arms(made, test, pairs), expected)
    for keys, row in made.history.iterrows():
        logits = arms[keys[1]].loc[keys[2]]
        for split in ("val", "test"):
            mine = split_of(split)
            right = exact_match(logits.loc[mine.index].to_numpy(), mine[VERBS].to_numpy())
            assert row[f"{split}_exact"] == pytest.approx(right.mean())
        assert row["test_people"] == len(test)


def test_arms_without_seeds_or_val_join_those_of_an_experiment(experiment):
    test = split_of("test")
    words = experiments.zero_shot(FEATURES.loc[test.index], PROMPTS, VERBS)
    made = experiments.results_from_logits({"zero-shot": words}, PEOPLE, VERBS)
    joined = experiments.join(experiment, made)
    table = experiments.clean_table(joined, test, VERBS)
    right = exact_match(words.to_numpy(), test[VERBS].to_numpy())
    assert table.loc["zero-shot", "exact"] == pytest.approx(100 * right.mean())
    pd.testing.assert_frame_equal(table.drop("zero-shot"), experiments.clean_table(experiment, test, VERBS))
    row = experiments.compare_arms(joined, test, [("CLIP only", "zero-shot")]).iloc[0]
    assert row["difference"] == pytest.approx(
        table.loc["CLIP only", "exact"] - table.loc["zero-shot", "exact"]
    )


# --- Trained on train and val


@pytest.fixture(scope="module")
def inputs() -> dict[str, pd.DataFrame]:
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=FEATURES.shape), FEATURES.index)
    return {"CLIP only": FEATURES, "noise": noise.astype(np.float32)}


@pytest.fixture(scope="module")
def experiment(inputs, tmp_path_factory) -> experiments.Results:
    profile = replace(load_profile("sample"), data=tmp_path_factory.mktemp("heads"))
    return experiments.run_experiment(
        profile, "x", PEOPLE, inputs, VERBS, seeds=3, epochs=4, make_model=make_small
    )


@pytest.fixture
def profile(tmp_path) -> Profile:
    return replace(load_profile("sample"), data=tmp_path)


def test_refits_learn_train_and_val_for_the_median_epoch(experiment, inputs, profile):
    results = experiments.refit(profile, "y", PEOPLE, inputs, VERBS, experiment, make_model=make_small)
    learnt, test = PEOPLE[PEOPLE["split"] != "test"], split_of("test")
    for arm, table in inputs.items():
        epochs = experiments.chosen_epochs(experiment, "clean")[arm].tolist()
        median = sorted(epochs)[1]
        model = fit(
            make_small(WIDTH, [0, 1, 2], len(VERBS)), table.loc[learnt.index], learnt[VERBS], epochs=median
        )
        for seed, expected in enumerate(predict(model.model, table.loc[test.index])):
            logits = results.logits.xs(
                ("clean", f"{arm} (train + val)", seed), level=["protocol", "arm", "seed"]
            )
            np.testing.assert_array_equal(logits.loc[test.index, VERBS], expected)
            assert (logits["epoch"] == median).all()
    assert set(results.logits.index.get_level_values("ann_id")) == set(test.index)
    joined = experiments.clean_table(experiments.join(experiment, results), test, VERBS)
    assert list(joined.index) == ["CLIP only", "noise", "CLIP only (train + val)", "noise (train + val)"]


def test_what_was_refitted_is_loaded_and_anything_else_trained_anew(experiment, inputs, profile):
    one = {"CLIP only": inputs["CLIP only"]}
    first = experiments.refit(profile, "y", PEOPLE, one, VERBS, experiment, make_model=make_small)
    assert sorted(file.name for file in profile.results.iterdir()) == [
        f"y_{part}.parquet" for part in ("exact", "history", "logits")
    ]
    file = profile.results / "y_history.parquet"
    before = file.stat().st_mtime_ns
    again = experiments.refit(profile, "y", PEOPLE, one, VERBS, experiment, make_model=make_small)
    pd.testing.assert_frame_equal(again.logits, first.logits)
    assert file.stat().st_mtime_ns == before
    other = PEOPLE.copy()
    other.loc[split_of("val").index[0], "sit"] = ~other.loc[split_of("val").index[0], "sit"]
    changed = experiments.refit(profile, "y", other, one, VERBS, experiment, make_model=make_small)
    assert file.stat().st_mtime_ns > before
    assert (changed.logits[VERBS] != first.logits[VERBS]).any(axis=None)


def test_people_incomplete_in_one_arm_are_in_no_refit(experiment, inputs, profile):
    lacking = {**inputs, "noise": inputs["noise"].mask(PEOPLE.index.to_series() == split_of("test").index[0])}
    results = experiments.refit(profile, "y", PEOPLE, lacking, VERBS, experiment, make_model=make_small)
    assert set(results.logits.index.get_level_values("ann_id")) == set(split_of("test").index[1:])


def test_draws_of_logits_are_as_skilled_as_asked():
    """Guards the drawings themselves: a higher skill must match more people."""
    shares = []
    for skill in (0.0, 1.0, 3.0):
        made = experiments.results_from_logits({"arm": draw_logits(PEOPLE, skill)}, PEOPLE, VERBS)
        shares.append(experiments.clean_table(made, split_of("test"), VERBS).loc["arm", "exact"])
    assert shares[0] < shares[1] < shares[2]
