"""Results of an experiment: its people, the epoch a protocol chooses, every table beside a literal loop."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arms import EPOCHS, SEEDS, SPLITS, VERBS, draw_inputs, draw_people, run

from lib import experiments
from lib.metrics import exact_match, partial_match
from lib.profiles import DataError, Profile, load_profile

SETTINGS = {"seeds": SEEDS, "epochs": EPOCHS}


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return draw_people()


@pytest.fixture(scope="module")
def inputs(people) -> dict[str, pd.DataFrame]:
    return draw_inputs(people)


@pytest.fixture
def profile(tmp_path) -> Profile:
    return replace(load_profile("sample"), data=tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("experiment")


@pytest.fixture(scope="module")
def results(people, inputs, folder) -> experiments.Results:
    return run(people, inputs, folder)


@pytest.fixture(scope="module")
def shared_test(people, inputs) -> pd.DataFrame:
    return people[(people["split"] == "test") & inputs["weak"].notna().all(axis="columns")]


# --- Who is in which arm


def test_clean_has_the_same_people_in_every_arm_and_thesis_each_arms_own(results, people, inputs):
    complete = inputs["weak"].notna().all(axis="columns")
    measured = people["split"] != "train"
    for arm in inputs:
        for seed in range(SEEDS):
            there = results.exact.xs(("clean", arm, seed), level=["protocol", "arm", "seed"]).index
            assert set(there) == set(people.index[complete & measured])
        own = people.index[measured if arm == "strong" else complete & measured]
        thesis = results.exact.xs(("thesis", arm), level=["protocol", "arm"])
        assert set(thesis.index.get_level_values("ann_id")) == set(own)
        assert set(thesis.index.get_level_values("seed")) == {0}


# --- The protocols


def test_thesis_chooses_the_epoch_on_test_and_clean_on_val(results):
    for protocol, column in (("thesis", "test_exact"), ("clean", "val_exact")):
        history = results.history.xs(protocol, level="protocol").reset_index()
        for (arm, seed), epoch in experiments.chosen_epochs(results, protocol).items():
            mine = history[(history["arm"] == arm) & (history["seed"] == seed)].sort_values("epoch")
            accuracies = mine[column].tolist()
            assert epoch == accuracies.index(max(accuracies)) + 1


def test_history_exact_and_logits_say_the_same(results, people):
    for keys, logits in results.logits.groupby(["protocol", "arm", "seed"]):
        epoch = int(logits["epoch"].iloc[0])
        exact = results.exact.xs(keys, level=["protocol", "arm", "seed"])
        logits = logits.droplevel(["protocol", "arm", "seed"])
        labels = people.loc[logits.index, VERBS].to_numpy()
        right = exact_match(logits[VERBS].to_numpy(), labels)
        np.testing.assert_array_equal(exact.loc[logits.index, str(epoch)], right)
        history = results.history.xs(keys, level=["protocol", "arm", "seed"]).set_index("epoch")
        for split in ("val", "test"):
            mine = exact[(people.loc[exact.index, "split"] == split).to_numpy()]
            assert history[f"{split}_exact"].tolist() == pytest.approx(mine.mean().tolist())
        test = people.loc[logits.index, "split"].to_numpy() == "test"
        partial = partial_match(logits[VERBS].to_numpy()[test], labels[test]).mean()
        assert history.loc[epoch, "test_partial"] == pytest.approx(partial)


def test_what_was_trained_is_loaded_and_anything_else_trained_anew(results, people, inputs, folder):
    files = sorted((folder / "results").iterdir())
    assert [file.name for file in files] == [f"x_{part}.parquet" for part in ("exact", "history", "logits")]
    before = [file.stat().st_mtime_ns for file in files]
    again = run(people, inputs, folder)
    assert [file.stat().st_mtime_ns for file in files] == before
    for part in ("history", "exact", "logits"):
        pd.testing.assert_frame_equal(getattr(again, part), getattr(results, part))


@pytest.mark.parametrize("change", ["seeds", "epochs", "number", "label"])
def test_another_ingredient_is_another_experiment(change, results, people, inputs, tmp_path):
    run(people, inputs, tmp_path)
    before = (tmp_path / "results/x_history.parquet").stat().st_mtime_ns
    options = {change: 2} if change in ("seeds", "epochs") else {}
    people = people.copy()
    inputs = {arm: table.copy() for arm, table in inputs.items()}
    if change == "number":
        inputs["strong"].iloc[5, 0] += 1
    if change == "label":
        people.loc[people.index[3], "sit"] = ~people.loc[people.index[3], "sit"]
    run(people, inputs, tmp_path, **options)
    assert (tmp_path / "results/x_history.parquet").stat().st_mtime_ns > before


def test_results_that_are_not_there_name_the_notebook(profile):
    with pytest.raises(DataError, match=r"03_history.parquet: no such results; run notebook 03_experiment_1"):
        experiments.load_results(profile, "03", "03_experiment_1", **SETTINGS)


@pytest.mark.parametrize("asked", [{"seeds": 2}, {"epochs": EPOCHS + 1}])
def test_results_of_other_settings_are_refused(asked, results, folder, profile):
    made = replace(profile, data=folder)
    loaded = experiments.load_results(made, "x", "03_experiment_1", **SETTINGS)
    pd.testing.assert_frame_equal(loaded.exact, results.exact)
    with pytest.raises(DataError, match=f"trained with SEEDS {SEEDS}, EPOCHS {EPOCHS}, asked are SEEDS"):
        experiments.load_results(made, "x", "03_experiment_1", **SETTINGS | asked)


@pytest.mark.parametrize("file", ["people", "features/pose", "features/clip_full"])
def test_results_of_other_people_or_features_are_refused_until_run_again(file, people, inputs, profile):
    arm, file = {"strong": inputs["strong"]}, profile.data / f"{file}.parquet"
    before = run(people, arm, profile.data, epochs=2)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"other")
    with pytest.raises(DataError, match="other people or features than now; run notebook 03_experiment_1"):
        experiments.load_results(profile, "x", "03_experiment_1", seeds=SEEDS, epochs=2)
    again = run(people, arm, profile.data, epochs=2)  # the same numbers, so nothing is trained
    assert again.made_of == before.made_of
    experiments.load_results(profile, "x", "03_experiment_1", seeds=SEEDS, epochs=2)
    (profile.features / "pose_rtmpose.parquet").parent.mkdir(exist_ok=True)
    (profile.features / "pose_rtmpose.parquet").write_bytes(b"what no experiment sees")
    experiments.load_results(profile, "x", "03_experiment_1", seeds=SEEDS, epochs=2)


def test_results_of_two_saves_are_none(people, inputs, tmp_path):
    """A kill between two of the three files, and then the settings of the first save again."""
    arm, files = {"strong": inputs["strong"]}, tmp_path / "results"
    first = run(people, arm, tmp_path, seeds=1, epochs=2)
    kept = (files / "x_history.parquet").read_bytes()
    run(people, arm, tmp_path, seeds=1, epochs=3)
    (files / "x_history.parquet").write_bytes(kept)
    again = run(people, arm, tmp_path, seeds=1, epochs=2)
    pd.testing.assert_frame_equal(again.exact, first.exact)
    assert pd.read_parquet(files / "x_exact.parquet").columns.tolist() == ["1", "2"]


def test_damaged_results_are_named(results, folder, profile):
    for file in (folder / "results").iterdir():
        (profile.results / file.name).parent.mkdir(exist_ok=True)
        (profile.results / file.name).write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match=r"x_\*\.parquet: cannot be read"):
        experiments.load_results(profile, "x", "03_experiment_1", **SETTINGS)


# --- The tables, beside literal loops


def right_at_chosen(results, arm: str, seed: int, people: pd.Index) -> np.ndarray:
    epoch = experiments.chosen_epochs(results, "clean")[arm, seed]
    rows = [("clean", arm, seed, ann_id) for ann_id in people]
    return np.array([results.exact.loc[row, str(epoch)] for row in rows], dtype=float)


def test_thesis_table_is_the_highest_accuracy_over_the_epochs(results, people):
    table = experiments.thesis_table(results)
    for arm, row in table.iterrows():
        history = results.history.xs(("thesis", arm, 0), level=["protocol", "arm", "seed"])
        accuracies = (100 * history.sort_values("epoch")["test_exact"]).tolist()
        assert row["accuracy"] == max(accuracies)
        assert row["epoch"] == accuracies.index(max(accuracies)) + 1
        assert row["overfit"] == pytest.approx(max(accuracies) - accuracies[-1])
    assert table.loc["strong", "people"] == SPLITS["test"]
    assert table.loc["weak", "people"] < SPLITS["test"]


def test_clean_table_is_the_mean_over_seeds_of_the_same_people(results, shared_test):
    table = experiments.clean_table(results, shared_test, VERBS)
    for arm, row in table.iterrows():
        right = [right_at_chosen(results, arm, seed, shared_test.index) for seed in range(SEEDS)]
        assert row["exact"] == pytest.approx(100 * np.mean(right))
        assert row["seeds_sd"] == pytest.approx(100 * np.std(np.mean(right, axis=1), ddof=1))
        assert row["low"] < row["exact"] < row["high"]
        assert row["people"] == len(shared_test)
    assert table.loc["strong", "mAP"] > table.loc["weak", "mAP"]


def test_compared_arms_differ_by_the_difference_of_their_means(results, shared_test):
    clean = experiments.clean_table(results, shared_test, VERBS)["exact"]
    table = experiments.compare_arms(results, shared_test, [("strong", "weak"), ("weak", "strong")])
    row, turned = table.loc["strong - weak"], table.loc["weak - strong"]
    assert row["difference"] == pytest.approx(clean["strong"] - clean["weak"])
    assert turned["difference"] == pytest.approx(-row["difference"])
    a, b = (right_at_chosen(results, arm, 0, shared_test.index) for arm in ("strong", "weak"))
    assert row["only_first"] == turned["only_second"] == ((a == 1) & (b == 0)).sum()
    assert row["mcnemar_p"] == turned["mcnemar_p"]
    assert table["p_holm"].tolist() == pytest.approx([min(1, 2 * row["p"]), min(1, 2 * turned["p"])])
    assert row["low"] <= row["difference"] <= row["high"]


def test_groups_are_compared_each_on_its_own_people(results, shared_test):
    groups = pd.Series(np.where(shared_test["hold"], "holds", "else"), shared_test.index)
    table = experiments.compare_groups(results, shared_test, groups, "strong", "weak")
    gain = {}
    for name in ("holds", "else"):
        mine = shared_test.index[groups == name]
        arms = [
            np.mean([right_at_chosen(results, arm, seed, mine) for seed in range(SEEDS)])
            for arm in ("strong", "weak")
        ]
        gain[name] = 100 * (arms[0] - arms[1])
        assert table.loc[name, "difference"] == pytest.approx(gain[name])
    first, second = groups.unique()
    assert list(table.index) == [first, second, f"{first} - {second}"]
    assert table.iloc[-1]["difference"] == pytest.approx(gain[first] - gain[second])
    assert table.iloc[-1]["low"] < table.iloc[-1]["difference"] < table.iloc[-1]["high"]
    reverse = groups.astype(pd.CategoricalDtype([second, "nobody", first]))
    reversed_table = experiments.compare_groups(results, shared_test, reverse, "strong", "weak")
    assert list(reversed_table.index) == [second, first, f"{second} - {first}"]
    assert reversed_table.iloc[-1]["difference"] == pytest.approx(gain[second] - gain[first])


def test_optimism_is_never_negative_and_is_what_it_says(results):
    table = experiments.optimism(results)
    for arm, row in table.iterrows():
        history = results.history.xs(("clean", arm), level=["protocol", "arm"]).reset_index()
        best = history.groupby("seed")["test_exact"].max().mean()
        chosen = experiments.chosen_epochs(results, "clean")[arm]
        at = [
            history[(history["seed"] == s) & (history["epoch"] == e)]["test_exact"] for s, e in chosen.items()
        ]
        assert row["epoch chosen on test"] == pytest.approx(100 * best)
        assert row["epoch chosen on val"] == pytest.approx(100 * np.mean(at))
        assert row["optimism"] == pytest.approx(100 * (best - np.mean(at)))
        assert row["optimism"] >= 0


def test_results_on_some_people_average_those_alone(results, shared_test):
    some = shared_test.index[:17]
    restricted = results.on(some)
    for keys, history in restricted.history.groupby(["protocol", "arm", "seed"]):
        exact = results.exact.xs(keys, level=["protocol", "arm", "seed"]).loc[some]
        for _, row in history.iterrows():
            assert row["test_exact"] == pytest.approx(exact[str(int(row["epoch"]))].mean())
    assert (restricted.history["test_people"] == 17).all()
    assert experiments.chosen_epochs(restricted, "clean").equals(experiments.chosen_epochs(results, "clean"))
    assert experiments.thesis_table(restricted)["people"].tolist() == [17, 17]


def test_arms_can_be_chosen_renamed_and_joined(results, shared_test):
    other = results.arms("weak").renamed({"weak": "feeble"})
    joined = experiments.join(results.arms("strong"), other)
    assert list(experiments.thesis_table(joined).index) == ["strong", "feeble"]
    table = experiments.clean_table(joined, shared_test, VERBS)
    expected = experiments.clean_table(results, shared_test, VERBS)
    pd.testing.assert_frame_equal(table.rename(index={"feeble": "weak"}), expected)


def test_baselines_beside_a_literal_count(people, shared_test):
    train = people[people["split"] == "train"]
    table = experiments.baselines(train, shared_test, VERBS)
    order = sorted(VERBS, key=lambda verb: -train[verb].sum())
    hits = []
    for _, person in shared_test.iterrows():
        true = {verb for verb in VERBS if person[verb]}
        hits.append(set(order[: len(true)]) == true)
    assert table.loc["verb frequency", "exact"] == pytest.approx(100 * np.mean(hits))
    assert table.loc["most frequent set", "exact"] >= table.loc["verb frequency", "exact"] - 15
