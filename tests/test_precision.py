"""Number formats and devices: float32 is float32, `auto` keeps its range, a wrong device is one sentence."""

from pathlib import Path

import numpy as np
import pytest
import torch
from extracting import sample_people, views_with
from narrow_clip import PICTURES, narrow_clip
from stores import run

from lib.clip_features import ClipEncoder
from lib.features import PoseSettings
from lib.models import ActionMLP, fit
from lib.pose.detectors import TOP_DOWN_CONFIGS
from lib.pose.estimator import PoseEstimator
from lib.precision import check_device, choose_dtype, without_tf32
from lib.profiles import DataError


@pytest.fixture(scope="module")
def clip_weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "narrow.pt"
    torch.save(narrow_clip().state_dict(), path)
    return path


def conv_precision() -> str:
    return torch.backends.cudnn.conv.fp32_precision


def record_precision(network: torch.nn.Module) -> list[str]:
    """Return a list that fills with the precision of each convolution, as it would be on a GPU."""
    seen: list[str] = []
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda *_: seen.append(conv_precision()))
    return seen


def test_tf32_is_off_inside_and_as_it_was_after():
    before = conv_precision(), torch.backends.cudnn.allow_tf32
    assert before == ("tf32", True)  # as torch has it by default
    with pytest.raises(KeyError), without_tf32():
        assert conv_precision() == "ieee"
        raise KeyError
    assert (conv_precision(), torch.backends.cudnn.allow_tf32) == before


def test_clip_convolves_in_float32(clip_weights):
    encoder = ClipEncoder(clip_weights)
    seen = record_precision(encoder.model)
    encoder.encode_images(PICTURES)
    assert set(seen) == {"ieee"}
    assert conv_precision() == "tf32"


@pytest.mark.parametrize("model", ["higherhrnet", *TOP_DOWN_CONFIGS])
def test_pose_models_convolve_in_float32(network, model):
    only = {"network": network} if model == "higherhrnet" else {"model": model}
    estimator = PoseEstimator(**only)
    seen = record_precision(estimator.detector.network)
    estimator.estimate(PICTURES[:1], np.array([[5, 5, 20, 20]]))
    assert set(seen) == {"ieee"}
    assert conv_precision() == "tf32"


@pytest.mark.parametrize(("hardware", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_on_a_gpu_keeps_the_range_of_float32(monkeypatch, hardware, dtype):
    # Older cards emulate bfloat16, slower than float32.
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: hardware or including_emulation
    )
    assert choose_dtype("auto", "cuda") == choose_dtype("auto", "cuda:1") == dtype
    assert torch.finfo(dtype).max > 1e38
    assert choose_dtype("float16", "cuda") == torch.float16


WRONG = {
    "gpu": 'DEVICE is "gpu"; choose "cpu" or "cuda".',
    "cuda:x": 'DEVICE is "cuda:x"; choose "cpu" or "cuda".',
    "mps": 'DEVICE is "mps"; choose "cpu" or "cuda".',
    "": 'DEVICE is ""; choose "cpu" or "cuda".',
    None: 'DEVICE is "None"; choose "cpu" or "cuda".',
    "cuda": 'DEVICE is "cuda", but no GPU is seen here; leave DEVICE out.',
    "cuda:1": 'DEVICE is "cuda:1", but no GPU is seen here; leave DEVICE out.',
}


@pytest.mark.parametrize("device", WRONG)
def test_a_wrong_device_is_one_sentence(monkeypatch, clip_weights, network, device):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    people = np.zeros((4, 3), np.float32), np.zeros((4, 2), bool)
    for use in (
        lambda: check_device(device),
        lambda: ClipEncoder(clip_weights, device=device),
        lambda: PoseEstimator(network=network, device=device),
        lambda: PoseEstimator(model="rtmpose", device=device),
        lambda: fit(ActionMLP(3, hidden=4, verbs=2), *people, epochs=1, device=device),
    ):
        with pytest.raises(DataError) as raised:
            use()
        assert str(raised.value) == WRONG[device]


def test_gpus_are_counted(monkeypatch):
    for seen, right, wrong, sentence in (
        (1, ["cpu", "cpu:0", "cuda", "cuda:0"], "cuda:1", 'but one GPU is seen here; choose "cuda".'),
        (2, ["cuda", "cuda:1"], "cuda:2", 'but GPUs 0 to 1 are seen here; choose "cuda".'),
    ):
        monkeypatch.setattr(torch.cuda, "device_count", lambda seen=seen: seen)
        for device in right:
            check_device(device)
        with pytest.raises(DataError, match=sentence):
            check_device(wrong)


@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_a_wrong_device_stops_an_extraction(tmp_path, precision):
    with pytest.raises(DataError, match='DEVICE is "gpu"; choose "cpu" or "cuda"'):
        run(sample_people(2), tmp_path, views_with(device="gpu", precision=precision))


def test_a_cpu_with_a_number_is_a_cpu():
    for device, size in (("cpu", 2), ("cpu:0", 2), ("cuda", 32), ("cuda:1", 32)):
        assert PoseSettings(Path("weights"), device).batch(2, 32) == size
    assert PoseSettings(Path("weights"), "cpu:0", batch_size=5).batch(2, 32) == 5


def test_ray_takes_no_numbered_gpu(tmp_path):
    with pytest.raises(DataError, match=r'DEVICE is "cuda:1", but engine="ray" gives each .*; choose "cuda"'):
        run(sample_people(2), tmp_path, views_with(device="cuda:1"), engine="ray")


def test_views_for_other_machines_know_what_auto_is_here(monkeypatch):
    here = str(choose_dtype("auto", "cpu")).removeprefix("torch.")
    assert {view.encoder.precision for view in views_with(precision="auto")} == {here}
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert {view.encoder.precision for view in views_with(precision="auto", device="cuda")} == {"bfloat16"}
