"""Networks of many seeds: each seed's logits are those of its plain network; their weights on disk."""

import ast
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from learning import HIDDEN, N_VERBS, SMALL, WIDTH, GatedSum, draw_people, same_bits
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from lib.models import ActionMLP, load_weights, predict, save_weights, take_seeds
from lib.profiles import ROOT, DataError
from lib.vcoco import VERBS

# --- The networks


def test_a_seed_starts_as_torch_does_after_manual_seed():
    model = ActionMLP(WIDTH, 4, **SMALL)
    for seed in range(4):
        torch.manual_seed(seed)
        layers = nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()
        assert same_bits(model.sequential(seed), nn.Sequential(*layers, nn.Linear(HIDDEN, N_VERBS)))


def test_the_network_is_the_thesis_s():
    model = ActionMLP(563)
    assert [tuple(layer.weight.shape) for layer in model.sequential(0)[::2]] == [
        (1024, 563),
        (1024, 1024),
        (26, 1024),
    ]
    assert model.verbs == len(VERBS)


@settings(max_examples=20, deadline=None)
@given(
    n_seeds=st.integers(1, 4), people=st.integers(0, 9), width=st.integers(1, 8), hidden=st.integers(1, 16)
)
def test_every_seed_s_logits_are_those_of_its_plain_network(n_seeds, people, width, hidden):
    model = ActionMLP(width, n_seeds, hidden=hidden, verbs=3)
    features = np.random.default_rng(people).standard_normal((people, width), dtype=np.float32)
    logits = predict(model, features)
    assert logits.shape == (n_seeds, people, 3)
    assert logits.dtype == np.float32
    for seed in range(n_seeds):
        plain = model.sequential(seed)(torch.from_numpy(features)).detach().numpy()
        np.testing.assert_allclose(logits[seed], plain, atol=1e-5)


def test_forward_takes_shared_and_own_features():
    model, x = ActionMLP(WIDTH, 3, **SMALL), torch.randn(7, WIDTH, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(x), model(x.expand(3, 7, WIDTH)))


def test_predict_in_chunks_changes_nothing():
    features, _ = draw_people(5000)
    model = ActionMLP(WIDTH, 3, **SMALL)
    whole = model(torch.from_numpy(features)).detach().numpy()
    np.testing.assert_allclose(predict(model, features), whole, atol=1e-6)


def test_take_seeds_copies():
    model = ActionMLP(WIDTH, seeds=[4, 7, 9], **SMALL)
    taken = take_seeds(model, [9, 4])
    assert taken.seeds == (9, 4)
    assert same_bits(taken, ActionMLP(WIDTH, seeds=[9, 4], **SMALL))
    with torch.no_grad():
        taken.layers[0].weight.zero_()
    assert model.layers[0].weight.abs().sum() > 0
    with pytest.raises(ValueError, match=r"\[4, 7, 9\], not \[1\]"):
        take_seeds(model, [1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_seeds": 0}, "at least one seed"),
        ({"n_seeds": -1}, "at least one seed"),
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [1, 2, 1]}, r"different .*\[1, 2, 1\]"),
        ({"seeds": [-1]}, r"from 0 on"),
        ({"n_seeds": 3, "seeds": [1, 2]}, "n_seeds is 3, but 2 seeds"),
    ],
)
def test_impossible_seeds_are_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        ActionMLP(WIDTH, **arguments, **SMALL)


# --- Weights on disk


def test_weights_come_back_from_the_disk(tmp_path):
    model = ActionMLP(WIDTH, seeds=[5, 3], **SMALL)
    save_weights(tmp_path / "deep" / "model.safetensors", model, "abcde", {3: 10, 5: 2})
    loaded, facts = load_weights(tmp_path / "deep" / "model.safetensors")
    assert same_bits(loaded, model)
    assert loaded.seeds == (5, 3)
    assert facts["verbs"] == list("abcde")
    assert facts["epochs"] == [2, 10]
    assert facts["settings"]["in_features"] == WIDTH
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model.safetensors"]


def test_weights_that_could_not_be_loaded_again_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match=r"weights of ActionMLP, .* can be saved, not of GatedSum"):
        save_weights(tmp_path / "gated", GatedSum(WIDTH), "abcde")
    with pytest.raises(ValueError, match="5 verbs, got 26 names"):
        save_weights(tmp_path / "names", ActionMLP(WIDTH, **SMALL), VERBS)
    assert not list(tmp_path.iterdir())


def test_what_is_not_weights_of_a_known_model_is_an_error(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    save_file({"a": torch.zeros(1)}, tmp_path / "other", metadata={"facts": '{"model": "GatedSum"}'})
    for name, model in {"foreign": None, "other": "GatedSum"}.items():
        with pytest.raises(DataError, match=rf"{name}: holds a model {model}, not one of ActionMLP, "):
            load_weights(tmp_path / name)
    (tmp_path / "garbage").write_bytes(b"garbage")
    for name in ("garbage", "absent"):
        with pytest.raises(DataError, match=f"{name}: not readable as trained weights"):
            load_weights(tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"settings": None}, "NoneType"),
        ({"settings": {"in_features": WIDTH}}, "Missing key|size mismatch|Unexpected"),
        ({"settings": {"in_features": WIDTH, "width": 3}}, "width"),
        ({"settings": {"in_features": -1}}, "-1"),
        ({"settings": {"in_features": 0}}, "division by zero"),
        ({"settings": {"in_features": "many"}}, "str"),
        ({"verbs": ["a"]}, "1 names for 5 verbs"),
        ({"verbs": 5}, "int"),
        ({"model": "LinearProbe"}, "unexpected keyword argument"),
        ({"model": ["ActionMLP"]}, "holds a model"),
        ("settings", "settings"),
        ("verbs", "verbs"),
        ("model", "holds a model None"),
        (None, "holds a model None"),
    ],
)
def test_weights_that_do_not_fit_their_facts_are_an_error(tmp_path, changes, reason):
    save_weights(path := tmp_path / "model.safetensors", ActionMLP(WIDTH, **SMALL), "abcde")
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
    if isinstance(changes, str):
        del facts[changes]
    else:
        facts = facts | changes if changes else [facts]
    save_file(load_file(path), path, metadata={"facts": json.dumps(facts)})
    with pytest.raises(DataError, match=reason) as raised:
        load_weights(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "change", [lambda t: t.pop("layers.0.bias"), lambda t: t.update(other=torch.zeros(1))]
)
def test_weights_with_other_tensors_are_an_error(tmp_path, change):
    save_weights(path := tmp_path / "model.safetensors", ActionMLP(WIDTH, **SMALL), "abcde")
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    change(tensors := load_file(path))
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(DataError, match=r"not a whole ActionMLP \(.*(layers.0.bias|other)"):
        load_weights(path)


def test_models_import_no_encoder_and_no_features():
    allowed = {"lib.models", "lib.files", "lib.precision", "lib.profiles"}
    for file in (ROOT / "lib" / "models").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("lib"):
                assert ".".join(node.module.split(".")[:2]) in allowed, f"{file.name}: {node.module}"
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {"clip", "mmpose"}.intersection(names)
