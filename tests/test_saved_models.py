"""Saved models: the same answers after loading, whole or not at all, every damage named."""

import json
import multiprocessing
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import predicting
import pytest
import torch

from lib import prediction
from lib.features.shards import Recipe
from lib.features.views import profile_views
from lib.models import ActionMLP
from lib.prediction import ModelCard, load_action_model, load_profile_model, save_action_model
from lib.prediction.saved import check_encoders
from lib.profiles import DataError, Profile
from lib.vcoco import VERBS, load_profile_people


@pytest.fixture
def folder(modelled, tmp_path) -> Path:
    """A copy of the first model that a test may spoil."""
    for name in ("model.json", "model.safetensors"):
        shutil.copy(modelled.model / name, tmp_path / name)
    return tmp_path


def change_card(folder: Path, **fields) -> None:
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | fields))


def test_probabilities_are_the_mean_over_the_seeds_of_plain_networks(modelled):
    people = predicting.tested(load_profile_people(modelled))
    for name in predicting.FORMS:
        model = load_profile_model(modelled, name)
        numbers = model.card.inputs.apply(
            people, predicting.read_features(modelled, model.card.inputs, people)
        )
        numbers.iloc[4, 7] = np.nan
        complete = numbers[numbers.notna().all(axis="columns")]
        plain = [model.network.sequential(seed) for seed in model.network.seeds]
        with torch.inference_mode():
            by_seed = [torch.sigmoid(one(torch.tensor(complete.to_numpy()))).numpy() for one in plain]
        seen = model.probabilities(numbers)
        np.testing.assert_allclose(seen.loc[complete.index], np.mean(by_seed, axis=0), atol=1e-6)
        assert seen.drop(index=complete.index).isna().all(axis=None)
        assert len(complete) < len(people)
        assert list(seen.columns) == list(VERBS)
        named = model.name_verbs(seen)
        for verb, threshold in model.card.thresholds.items():
            assert (named[verb] == (seen[verb] > threshold)).all()


def test_a_card_comes_back_as_it_was_given(folder):
    model = load_action_model(folder)
    again = save_action_model(folder / "again", model.network, model.card, epochs={0: 4, 1: 4})
    assert again == model.card == load_action_model(folder / "again").card
    table = model.card.to_frame()["value"]
    assert table["views"] == "clip_crop, pose"
    assert table["accuracy: exact match, %"] == "point 1, low 0, high 2"
    assert table["network"] == "ActionMLP of 2 seeds"
    assert "float32" in table["encoder of pose"]


def test_thresholds_may_be_edited_by_hand(folder):
    thresholds = dict.fromkeys(VERBS, 0.9)
    change_card(folder, thresholds=thresholds)
    assert load_action_model(folder).card.thresholds == thresholds


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("thresholds", {"hold": 0.5}, "thresholds: one for each of verbs"),
        ("thresholds", dict.fromkeys(VERBS, 50.0), "thresholds: probabilities from 0 to 1"),
        ("verbs", ["hold"], "thresholds: one for each of verbs"),
        ("encoders", {}, "encoders: of the views clip_crop, pose"),
        ("encoders", {"clip_crop": {}, "pose": {}}, "encoders: each has encoder, weights_sha256"),
        ("inputs", {"views": ["clip_crop", "pose"], "pose": "standard"}, "the form standard needs moments"),
        ("kind", "Perceptron", "kind: not that of model.safetensors"),
        ("date", 3, r"Expected `str`, got `int` - at `\$.date`"),
        ("weights_sha256", "0", "not the file whose weights_sha256"),
        ("colour", "red", "unknown field `colour`"),
    ],
)
def test_a_wrong_card_is_named_with_the_field_and_the_notebook(folder, field, value, message):
    change_card(folder, **{field: value})
    with pytest.raises(DataError, match=message) as error:
        load_action_model(folder)
    assert str(folder / "model.") in str(error.value)
    assert "run notebook 08_beyond_the_thesis" in str(error.value)


def test_damaged_files_are_named(folder):
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"model.safetensors: not the file whose weights_sha256"):
        load_action_model(folder)
    weights.unlink()
    with pytest.raises(DataError, match=r"model.safetensors: weights cannot be read"):
        load_action_model(folder)
    weights.write_bytes(whole)
    (folder / "model.json").write_bytes(b"{")
    with pytest.raises(DataError, match=r"model.json: not the card of a model"):
        load_action_model(folder)


def test_other_verbs_than_the_networks_are_refused_before_anything_is_touched(folder):
    model = load_action_model(folder)
    with pytest.raises(ValueError, match="the network has 3 verbs, the card 26"):
        save_action_model(folder, ActionMLP(5, verbs=3), model.card)
    assert load_action_model(folder).card == model.card


def save_again_and_again(folder: Path, networks: list[ActionMLP], card: ModelCard) -> None:
    """Save networks in turn, until killed."""
    while True:
        for network in networks:
            save_action_model(folder, network, card)
            time.sleep(0.003)  # about as long as a save, so that kills meet both


def test_a_killed_save_leaves_a_whole_model_or_none(folder):
    """Whatever the moment of the kill: never a card with another's weights."""
    card, found = load_action_model(folder).card, []
    networks = [ActionMLP(179, seeds=[seed], hidden=256) for seed in (1, 2)]
    for attempt in range(12):
        start = multiprocessing.get_context("fork").Process
        process = start(target=save_again_and_again, args=(folder, networks, card))
        process.start()
        time.sleep(0.1 + 0.007 * attempt)
        process.kill()
        process.join()
        try:
            found.append(load_action_model(folder).network.seeds)
        except DataError as error:
            assert "model.json: no saved model; run notebook 08_beyond_the_thesis" in str(error)  # noqa: PT017
    assert set(found) & {(1,), (2,)}, "no save was finished"


def test_models_lie_side_by_side_and_unknown_ones_name_those_that_are_there(modelled, tmp_path):
    assert prediction.list_models(modelled) == ["", "clip", "thesis"]
    assert load_profile_model(modelled).card.name == "model "
    assert load_profile_model(modelled, "clip").card.name == "model clip"
    with pytest.raises(DataError, match=r"model/clop: no saved model; choose from \(no name\), clip, thesis"):
        load_profile_model(modelled, "clop")
    empty = predicting.make_profile(tmp_path)
    assert prediction.list_models(empty) == []
    with pytest.raises(DataError, match=r"model/model.json: no saved model; run notebook 08_beyond"):
        load_profile_model(empty)


def recipes(profile: Profile, names: tuple[str, ...]) -> list[Recipe]:
    return [Recipe(view, view.ingredients()) for view in profile_views(profile) if view.name in names]


def test_encoders_with_other_weights_are_refused(modelled, tmp_path):
    model = load_profile_model(modelled, "clip")
    check_encoders(model, recipes(modelled, model.card.inputs.views))
    (tmp_path / "other.pt").write_bytes(b"other weights")
    other = predicting.make_profile(tmp_path, clip_weights=tmp_path / "other.pt")
    with pytest.raises(
        DataError, match=r"model.json: encoders.clip_full: weights_sha256: not those of .*other.pt"
    ):
        check_encoders(model, recipes(other, model.card.inputs.views))


def test_other_versions_and_precision_do_not_matter(folder, modelled):
    card = json.loads((folder / "model.json").read_text())
    card["encoders"]["pose"] |= {"versions": {"torch": "1.0"}, "precision": "float16"}
    change_card(folder, encoders=card["encoders"])
    check_encoders(load_action_model(folder), recipes(modelled, ("clip_crop", "pose")))
    card["encoders"]["pose"]["margin_px"] = 10
    change_card(folder, encoders=card["encoders"])
    with pytest.raises(DataError, match=r"encoders.pose: margin_px: not those"):
        check_encoders(load_action_model(folder), recipes(modelled, ("clip_crop", "pose")))


def test_probabilities_of_nobody_are_an_empty_table(modelled):
    model = load_profile_model(modelled, "clip")
    nobody = model.probabilities(pd.DataFrame(np.empty((0, 256), np.float32)))
    assert nobody.shape == (0, 26)
    assert model.name_verbs(nobody).shape == (0, 26)
