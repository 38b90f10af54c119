"""The sample's small CLIP: clip itself loads it, and its features know the sample's verbs."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from lib.clip_features import ClipEncoder
from lib.clip_features.weights import openai
from lib.coco import BOX
from lib.profiles import load_profile
from lib.vcoco import VERBS, load_profile_people

SAMPLE = load_profile("sample")


@pytest.fixture(scope="module")
def encoder() -> ClipEncoder:
    return ClipEncoder(SAMPLE.clip_weights)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    people = load_profile_people(SAMPLE)
    return people[people["split"] != "val"]


@pytest.fixture(scope="module")
def features(encoder, people) -> np.ndarray:
    paths = [SAMPLE.image_path(person.split, person.file_name) for person in people.itertuples()]
    return encoder.encode_crops(paths, people[BOX].to_numpy())


def mean_average_precision(people: pd.DataFrame, scores: np.ndarray) -> float:
    return float(np.mean([average_precision_score(people[v], scores[:, i]) for i, v in enumerate(VERBS)]))


@pytest.fixture(scope="module")
def by_frequency(people) -> float:
    """The mean average precision of scores that are the same for everybody: each verb's share of test."""
    return float(people.loc[people["split"] == "test", list(VERBS)].mean().mean())


def test_weights_are_small_enough_for_git():
    assert SAMPLE.clip_weights.stat().st_size <= 7e6


def test_clip_itself_loads_them_and_gives_the_same(encoder, people):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.load.* is deprecated")
        model, preprocess = openai.load(str(SAMPLE.clip_weights), device="cpu")
    paths = [SAMPLE.image_path("test", name) for name in people["file_name"][people["split"] == "test"][:8]]
    with torch.inference_mode():
        images = [model.encode_image(preprocess(Image.open(path))[None])[0].numpy() for path in paths]
        texts = model.encode_text(openai.tokenize(["a person riding a horse", "surfing"])).numpy()
    for ours, literal in (
        (encoder.encode_images(paths), np.stack(images)),
        (encoder.encode_text(["a person riding a horse", "surfing"]), texts),
    ):
        assert np.abs(ours - literal).max() <= 1e-5 * np.abs(literal).max()


def test_linear_probe_beats_the_verb_frequencies_threefold(people, features, by_frequency):
    train, test = ((people["split"] == split).to_numpy() for split in ("train", "test"))
    scores = np.empty((test.sum(), len(VERBS)))
    for column, verb in enumerate(VERBS):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
        probe.fit(features[train], people.loc[train, verb])
        scores[:, column] = probe.predict_proba(features[test])[:, 1]
    assert mean_average_precision(people[test], scores) >= 3 * by_frequency


def test_zero_shot_beats_the_verb_frequencies(encoder, people, features, by_frequency):
    test = (people["split"] == "test").to_numpy()
    scores = normalize(features[test]) @ normalize(encoder.encode_prompts(VERBS)).T
    assert mean_average_precision(people[test], scores) >= 1.5 * by_frequency


def test_words_of_no_caption_say_nothing(encoder):
    table = encoder.model.token_embedding.weight
    known = table.any(dim=1).sum().item()
    assert 100 < known < 500
    assert np.isfinite(encoder.encode_text(["a person playing the saxophone"])).all()
