"""Number formats and devices: float32 is float32, `auto` keeps its range, a wrong device is one sentence."""

import numpy as np
import pytest
import torch
from narrow_clip import PICTURES, narrow_clip

from lib.clip_features import ClipEncoder
from lib.pose.detectors import TOP_DOWN_CONFIGS
from lib.pose.estimator import PoseEstimator
from lib.precision import choose_dtype, without_tf32


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
