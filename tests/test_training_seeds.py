"""Training of many seeds: a seed is the same in any company, in any order, in one pass or alone."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from learning import N_VERBS, SMALL, WIDTH, GatedSum, draw_people, exact_match, relative, same_bits

from lib.models import ActionMLP, fit, predict, take_seeds


def test_a_seed_of_ten_is_the_seed_alone():
    people, test = draw_people(100), draw_people(30, seed=1)
    ten, alone = (
        fit(model, *people, epochs=5, evaluate={"test": test}, metrics={"exact": exact_match})
        for model in (ActionMLP(WIDTH, 10, **SMALL), ActionMLP(WIDTH, seeds=[3], **SMALL))
    )
    assert same_bits(take_seeds(ten.model, [3]), alone.model)
    rows = ten.history[ten.history["seed"] == 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, alone.history, check_exact=True)


@pytest.mark.parametrize("kind", [ActionMLP, GatedSum])
def test_seeds_in_one_pass_are_the_seeds_alone(kind):
    people, test = draw_people(100), draw_people(30, seed=1)
    options = {"epochs": 5, "evaluate": {"test": test}}
    together = fit(kind(WIDTH, 10, verbs=N_VERBS), *people, seeds_at_once=10, **options)
    for seed in (0, 3, 9):
        alone = fit(kind(WIDTH, seeds=[seed], verbs=N_VERBS), *people, **options)
        logits = predict(together.model, test[0])[seed]
        assert relative(logits, predict(alone.model, test[0])[0]) <= 1e-5
        rows = together.history[together.history["seed"] == seed].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, alone.history, rtol=1e-5)


def test_at_full_width_a_seed_of_many_is_the_seed_alone():
    people = draw_people(60, width=563, verbs=26)
    together = fit(ActionMLP(563, 3), *people, epochs=5, seeds_at_once=3)
    alone = fit(ActionMLP(563, seeds=[2]), *people, epochs=5)
    assert relative(predict(together.model, people[0])[2], predict(alone.model, people[0])[0]) <= 1e-5


@settings(max_examples=6, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 2**40), min_size=1, max_size=4, unique=True),
    at_once=st.sampled_from([1, 2, 4]),
)
def test_other_seeds_and_their_order_change_nothing(seeds, at_once):
    people = draw_people(40)
    company = [seed for seed in seeds if seed != 5]
    result = fit(ActionMLP(WIDTH, seeds=[*company, 5], **SMALL), *people, epochs=2, seeds_at_once=at_once)
    alone = fit(ActionMLP(WIDTH, seeds=[5], **SMALL), *people, epochs=2)
    assert relative(predict(result.model, people[0])[-1], predict(alone.model, people[0])[0]) <= 1e-5
    assert result.history["seed"].is_monotonic_increasing


def test_the_same_seed_twice_gives_the_same_bits_and_leaves_the_model_as_it_was():
    people, model = draw_people(100), ActionMLP(WIDTH, 2, **SMALL)
    first = fit(model, *people, epochs=3)
    torch.rand(3), np.random.default_rng().random()
    second = fit(model, *people, epochs=3)
    assert same_bits(first.model, second.model)
    pd.testing.assert_frame_equal(first.history, second.history, check_exact=True)
    assert same_bits(model, ActionMLP(WIDTH, 2, **SMALL))
    assert not same_bits(first.model, model)
    seeds = predict(first.model, people[0])
    assert relative(seeds[0], seeds[1]) > 0.1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_learns_what_a_cpu_learns():
    people = draw_people(100)
    results = [fit(ActionMLP(WIDTH, 3, **SMALL), *people, epochs=3, device=name) for name in ("cpu", "cuda")]
    logits = [predict(result.model, people[0]) for result in results]
    assert relative(logits[1], logits[0]) <= 1e-3
