"""Checkpoints of HigherHRNet: the official form loads every tensor; foreign and damaged ones are refused."""

import hashlib
import re
import subprocess
import sys
from collections import OrderedDict
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import SMALLEST, build_by_rule, names_of_0x

from lib.higherhrnet.checkpoints import load_strictly, read_checkpoint
from lib.higherhrnet.model import build_higherhrnet, higherhrnet_config, load_higherhrnet, save_higherhrnet


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return build_by_rule(**SMALLEST)


def state_of_0x(model) -> OrderedDict:
    pairs = zip(names_of_0x(model), model.state_dict().values(), strict=True)
    return OrderedDict((name, value.clone()) for name, value in pairs)


def save_official(folder: Path, content: dict, digits: str | None = None, zipped: bool = False) -> Path:
    """Save as MMPose 0.x publishes: name-<8 digits of the sha256>_<date>.pth, before 2020 without a zip."""
    draft = folder / "draft.pth"
    torch.save(content, draft, _use_new_zipfile_serialization=zipped)
    digits = digits or hashlib.sha256(draft.read_bytes()).hexdigest()[:8]
    return draft.rename(folder / f"higher_hrnet32_coco_512x512-{digits}_20200713.pth")


@pytest.mark.parametrize("zipped", [False, True])
def test_official_checkpoint_loads_every_tensor(model, tmp_path, zipped):
    meta = {
        "epoch": 300,
        "time": "Mon",
        "config": "model = 1",
        "best": np.float64(0.65),
        "CLASSES": ("person",),
    }
    path = save_official(tmp_path, {"meta": meta, "state_dict": state_of_0x(model)}, zipped=zipped)
    fresh = build_higherhrnet(higherhrnet_config(**SMALLEST))
    assert load_strictly(fresh, path) == meta
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name


def test_bare_state_dict_loads_too(model, tmp_path):
    torch.save(model.state_dict(), tmp_path / "bare.pth")
    assert load_strictly(build_higherhrnet(higherhrnet_config(**SMALLEST)), tmp_path / "bare.pth") == {}


def test_narrow_network_is_saved_with_its_settings_at_half_size(model, tmp_path):
    save_higherhrnet(model, tmp_path / "small.pth", **SMALLEST)
    loaded = load_higherhrnet(tmp_path / "small.pth")
    assert loaded.head.decoder.input_size == (64, 64)
    images = torch.randn(1, 3, 64, 64)
    for ours, theirs in zip(*(net.head(net.extract_feat(images)) for net in (loaded, model)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.05)
    assert (tmp_path / "small.pth").stat().st_size < 0.9 * 4 * sum(p.numel() for p in model.parameters())


def refuse(model, path: Path, *words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(path.name)) as caught:
        load_strictly(model, path)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_checkpoint_of_another_model_is_refused(model, tmp_path):
    for name, change in {
        "missing": lambda state: state.pop("keypoint_head.final_layers.0.bias"),
        "extra": lambda state: state.update({"backbone.left_over": torch.zeros(1)}),
        "shape": lambda state: state.update({"backbone.conv1.weight": torch.zeros(3)}),
    }.items():
        state = state_of_0x(model)
        change(state)
        torch.save({"state_dict": state}, tmp_path / f"{name}.pth")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    refuse(model, tmp_path / "missing.pth", "lacks head.final_layers.0.bias")
    refuse(model, tmp_path / "extra.pth", "backbone.left_over", "config")
    refuse(model, tmp_path / "shape.pth", "backbone.conv1.weight", "(3,)", "(64, 3, 3, 3)")
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_wrong_hash_absent_and_damaged_files_are_refused(model, tmp_path):
    good = save_official(tmp_path, {"state_dict": state_of_0x(model)})
    content = good.read_bytes()
    refuse(
        model, save_official(tmp_path, {"state_dict": state_of_0x(model)}, "8ae85183"), "8ae85183", "download"
    )
    refuse(model, tmp_path / "absent.pth", "no such checkpoint")
    for size in (0, 10, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.pth").write_bytes(content[:size])
        refuse(model, tmp_path / "cut.pth", "damaged")
    good.write_bytes(content[:-1])
    refuse(model, good, "sha256")
    for name, odd in {
        "list": [1],
        "nothing": {},
        "number": {"state_dict": {"a": 1}},
        "none": {"state_dict": None},
    }.items():
        torch.save(odd, tmp_path / f"{name}.pth")
        refuse(model, tmp_path / f"{name}.pth", "state_dict")


@pytest.mark.parametrize("name", ["mypose-20240101.pth", "run-12345678_final.pth", "pose-deadbeef.pth"])
def test_a_date_or_number_in_a_name_is_no_hash(tmp_path, name):
    torch.save({"w": torch.ones(3)}, tmp_path / name)
    assert read_checkpoint(tmp_path / name)["state_dict"]["w"].sum() == 3


@settings(max_examples=60, deadline=None)
@given(data=st.data(), zipped=st.booleans())
def test_damaged_checkpoints_raise_only_value_errors_that_name_the_file(tmp_path_factory, data, zipped):
    folder = tmp_path_factory.mktemp("damaged")
    torch.save(
        {"meta": {"a": np.float64(1)}, "state_dict": {"w": torch.zeros(3)}},
        folder / "w.pth",
        _use_new_zipfile_serialization=zipped,
    )
    content = bytearray((folder / "w.pth").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 9999)) % len(content)  # which varies: addresses are in it
        content[place] = data.draw(st.integers(0, 255))
    (folder / "w.pth").write_bytes(content)
    problem = None
    try:
        read_checkpoint(folder / "w.pth")
    except ValueError as error:
        problem = str(error)
    assert problem is None or "w.pth" in problem


@pytest.mark.parametrize("meta", ["text", {"higherhrnet": {"chanels": 3}}, {"higherhrnet": 5}])
def test_odd_meta_is_refused(model, tmp_path, meta):
    torch.save({"meta": meta, "state_dict": state_of_0x(model)}, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=r"odd\.pth: field meta"):
        load_higherhrnet(tmp_path / "odd.pth")


class Touch:
    """A pickle that would run a command on loading."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return subprocess.check_call, ([sys.executable, "-c", f"open({str(self.path)!r}, 'w')"],)


def test_foreign_classes_are_refused_and_not_run(model, tmp_path):
    torch.save(
        {"meta": {"run": Touch(tmp_path / "ran")}, "state_dict": state_of_0x(model)}, tmp_path / "evil.pth"
    )
    refuse(model, tmp_path / "evil.pth", "check_call")
    assert not (tmp_path / "ran").exists()
    torch.save(
        {"meta": {"when": datetime(2020, 7, 13)}, "state_dict": state_of_0x(model)}, tmp_path / "date.pth"
    )
    refuse(model, tmp_path / "date.pth", "datetime")
    assert read_checkpoint(tmp_path / "date.pth", extra_types=(datetime,))["meta"]["when"].year == 2020
