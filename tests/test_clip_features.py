"""CLIP's features: equal to clip's own loop, whatever the batch, the order and the input; prompts."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from narrow_clip import BOXES, PICTURES, TEXTS, assert_close, literal_images, literal_texts, narrow_clip
from PIL import Image

from lib.clip_features import PHRASES, TEMPLATES, ClipEncoder, prompts_for
from lib.clip_features.weights import openai
from lib.profiles import ROOT, DataError
from lib.vcoco import VERBS


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> ClipEncoder:
    path = tmp_path_factory.mktemp("clip") / "narrow.pt"
    torch.save(narrow_clip().state_dict(), path)
    return ClipEncoder(path)


# --- Images and people


def test_images_of_every_kind_are_read_alike(encoder, tmp_path):
    Image.fromarray(PICTURES[0]).save(tmp_path / "a.png")
    kinds = [PICTURES[0], Image.fromarray(PICTURES[0]), tmp_path / "a.png", str(tmp_path / "a.png")]
    features = encoder.encode_images(kinds)
    assert_close(features, np.repeat(features[:1], 4, axis=0))
    assert encoder.encode_images([]).shape == (0, 48)
    assert encoder.encode_crops([], np.empty((0, 4))).shape == (0, 48)
    with pytest.raises(DataError, match=r"absent\.png"):
        encoder.encode_images([tmp_path / "absent.png"])


def test_sample_images_as_in_the_thesis(encoder):
    paths = sorted((ROOT / "data/sample/images/val2014").glob("*.jpg"))[:5]
    model = narrow_clip()
    assert_close(encoder.encode_images(paths), literal_images(model, [Image.open(path) for path in paths]))


def test_a_crop_is_the_box_grown_by_twenty_pixels_and_clipped(encoder):
    crops = []
    for picture, (x, y, w, h) in zip(PICTURES, BOXES, strict=True):
        height, width = picture.shape[:2]
        corners = max(x - 20, 0), max(y - 20, 0), min(x + w + 20, width), min(y + h + 20, height)
        crops.append(Image.fromarray(picture).crop(corners))
    features = encoder.encode_crops(PICTURES, BOXES)
    assert_close(features, literal_images(narrow_clip(), crops))
    assert np.abs(features - encoder.encode_crops(PICTURES, BOXES, pad=5)).max() > 1e-2


def test_boxes_must_match_the_images(encoder):
    with pytest.raises(ValueError, match=r"expected boxes of shape \(6, 4\).*got \(5, 4\)"):
        encoder.encode_crops(PICTURES, BOXES[:5])
    with pytest.raises(ValueError, match="does not lie in an image of 56 x 40"):
        encoder.encode_crops(PICTURES[:1], [[80, 0, 5, 5]])


@settings(max_examples=40, deadline=None)
@given(order=st.lists(st.integers(0, 5), max_size=14), batch_size=st.integers(1, 9))
def test_features_depend_on_neither_batch_nor_order(encoder, order, batch_size):
    encoder.batch_size = 1
    images, crops = encoder.encode_images(PICTURES), encoder.encode_crops(PICTURES, BOXES)
    texts = encoder.encode_text([*TEXTS, "hold", "a dog"])
    encoder.batch_size = batch_size
    pictures = [PICTURES[i] for i in order]
    if order:
        assert_close(encoder.encode_images(pictures), images[order])
        assert_close(encoder.encode_crops(pictures, BOXES[order]), crops[order])
        assert_close(encoder.encode_text([[*TEXTS, "hold", "a dog"][i] for i in order]), texts[order])
    encoder.batch_size = 32


def test_inputs_can_be_prepared_elsewhere(encoder):
    inputs = np.stack([encoder.prepare(picture, box) for picture, box in zip(PICTURES, BOXES, strict=True)])
    inputs.flags.writeable = False  # as Ray hands them over
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_close(encoder.encode_prepared(inputs), encoder.encode_crops(PICTURES, BOXES))
    for wrong in (inputs[0], inputs[:, :16], inputs.astype(np.float32)):
        with pytest.raises(ValueError, match=r"expected inputs .*32, 32, 3.* of uint8"):
            encoder.encode_prepared(wrong)


def test_other_precisions_stay_near_float32(encoder):
    images, texts = encoder.encode_images(PICTURES), encoder.encode_text(TEXTS)
    fast = ClipEncoder(encoder.path, precision="bfloat16")
    assert fast.model.visual.conv1.weight.dtype == fast.model.text_projection.dtype == torch.bfloat16
    for ours, expected in ((fast.encode_images(PICTURES), images), (fast.encode_text(TEXTS), texts)):
        cosine = (
            (ours * expected).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(expected, axis=1)
        )
        assert cosine.min() >= 0.999
        assert not np.array_equal(ours, expected)
    for wrong in ({"precision": "float8"}, {"batch_size": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ClipEncoder(encoder.path, **wrong)


def test_clip_needs_no_pose_library():
    code = "import sys, lib.clip_features; sys.exit('mmpose' in sys.modules or 'mmengine' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# --- Words


def test_prompts_are_plain_english_about_vcocos_verbs():
    assert tuple(PHRASES) == VERBS
    prompts = [prompt for verb in VERBS for prompt in prompts_for(verb)]
    assert len(set(prompts)) == len(prompts) == 26 * len(TEMPLATES)
    assert "a photo of a person riding." in prompts_for("ride")
    assert "a photo of a person lying down." in prompts_for("lay")

    assert prompts_for("play_the_{}_guitar")[0] == "a photo of a person play the {} guitar."
    assert openai.tokenize(prompts).argmax(dim=1).max() < 20  # nothing near the context's 77


def test_prompt_features_are_means_of_normalised_features(encoder):
    verbs = ["ride", "lay", "play_guitar"]
    features = encoder.encode_prompts(verbs)
    for row, verb in zip(features, verbs, strict=True):
        each = literal_texts(narrow_clip(), prompts_for(verb))
        each /= np.linalg.norm(each, axis=1, keepdims=True)
        assert_close(row[None], each.mean(axis=0, keepdims=True))
    assert (np.linalg.norm(features, axis=1) < 1).all()
    assert_close(encoder.encode_prompts(verbs[::-1]), features[::-1])
    assert encoder.encode_prompts(VERBS).shape == (26, 48)
    assert encoder.encode_prompts([]).shape == (0, 48)


def test_without_its_text_tower_an_encoder_still_sees(encoder):
    encoder = ClipEncoder(encoder.path)
    before = encoder.encode_images(PICTURES)
    weights = sum(parameter.numel() for parameter in encoder.model.parameters())
    encoder.drop_text()
    assert sum(parameter.numel() for parameter in encoder.model.parameters()) < 0.2 * weights
    np.testing.assert_array_equal(encoder.encode_images(PICTURES), before)
    for encode in (encoder.encode_text, encoder.encode_prompts):
        with pytest.raises(ValueError, match="text tower was dropped; make another ClipEncoder"):
            encode(["stand"])


def test_texts_that_cannot_be_encoded(encoder, tmp_path):
    assert_close(encoder.encode_text("one text"), encoder.encode_text(["one text"]))
    with pytest.raises(ValueError, match="too long for context length 77; shorten"):
        encoder.encode_text(["word " * 80])
    torch.save(narrow_clip(vocabulary=500).state_dict(), tmp_path / "small.pt")
    with pytest.raises(ValueError, match=r"49407, the weights .*small\.pt only 500 words: use weights"):
        ClipEncoder(tmp_path / "small.pt").encode_text(["word"])
