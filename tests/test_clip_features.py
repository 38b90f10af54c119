"""CLIP's features: every form of weights, clip's own loop as the reference, prompts, useless input."""

import hashlib
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from clip_files import hugging_face_names, save_safetensors, save_torchscript
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lib.clip_features import PHRASES, TEMPLATES, ClipEncoder, prompts_for
from lib.clip_features.weights import CLIP, openai
from lib.profiles import ROOT, DataError, load_profile
from lib.vcoco import VERBS

CLOSE = 1e-5  # of the length of a feature vector
TEXTS = ["a photo of a person riding.", "surf", "", "Ein Mensch, der läuft, springt und lacht! " * 2]
RANDOM = np.random.default_rng(0)
SIZES = [(40, 56), (97, 41), (16, 16), (31, 200), (64, 64), (20, 33)]  # height and width
PICTURES = [RANDOM.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]
BOXES = np.array(
    [[3, 5, 12, 20], [0, 0, 41, 97], [10, 2, 1, 1], [150, 8, 40, 30], [30, 30, 0, 9], [2, 2, 8, 8]]
)


# --- A narrow CLIP with every number random, and its files


def randomise(model: torch.nn.Module, half: bool = False) -> torch.nn.Module:
    """Fill every weight with other numbers, so that no two can be exchanged unseen; of float16 if `half`."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        tensor.normal_(std=0.3 if tensor.ndim < 2 else tensor[0].numel() ** -0.5, generator=generator)
        if name.endswith("running_var"):
            tensor.abs_().add_(0.5)
        if half:
            tensor.copy_(tensor.half())
    return model.eval().requires_grad_(False)


def narrow_clip(half: bool = False, vision: tuple = (2, 128, 8), vocabulary: int = 49408) -> CLIP:
    """Build a CLIP whose widths all differ: 48 features, images of 32 pixels, two layers a tower."""
    return randomise(CLIP(48, 32, *vision, 77, vocabulary, 64, 1, 2), half)


def is_text(name: str) -> bool:
    return not name.startswith("visual.") and name != "logit_scale"


# form: how it writes a state dict, and the file's name
FORMS = {
    "OpenAI's TorchScript": (save_torchscript, "openai.pt"),
    "state dict": (torch.save, "plain.pt"),
    "state dict of a parallel training": (
        lambda state, path: torch.save(
            {"epoch": 3, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, path
        ),
        "parallel.pt",
    ),
    "safetensors, clip's and open_clip's names": (save_safetensors, "clip.safetensors"),
    "safetensors, open_clip's with a text tower": (
        lambda state, path: save_safetensors(
            {f"text.{name}" if is_text(name) else name: tensor for name, tensor in state.items()}, path
        ),
        "custom.safetensors",
    ),
    "safetensors, Hugging Face's names": (
        lambda state, path: save_safetensors(hugging_face_names(state), path),
        "hf.safetensors",
    ),
}


@pytest.fixture(scope="session")
def state() -> dict:
    """The tensors of a narrow CLIP; tests copy before they change."""
    return narrow_clip().state_dict()


@pytest.fixture(scope="session")
def encoder(state, tmp_path_factory) -> ClipEncoder:
    path = tmp_path_factory.mktemp("clip") / "narrow.pt"
    torch.save(state, path)
    return ClipEncoder(path)


def write(form: str, state: dict, folder: Path) -> Path:
    save, name = FORMS[form]
    save(state, folder / name)
    return folder / name


@torch.no_grad()
def literal_images(model: CLIP, images: list) -> np.ndarray:
    """The thesis's loop: one image at a time through clip's own preprocessing and network."""
    preprocess = openai._transform(model.visual.input_resolution)
    return np.concatenate([model.encode_image(preprocess(image).unsqueeze(0)).numpy() for image in images])


@torch.no_grad()
def literal_texts(model: CLIP, texts: list[str]) -> np.ndarray:
    return np.concatenate([model.encode_text(openai.tokenize(text)).numpy() for text in texts])


def assert_close(ours: np.ndarray, expected: np.ndarray, tolerance: float = CLOSE) -> None:
    assert ours.shape == expected.shape
    assert ours.dtype == np.float32
    lengths = np.linalg.norm(expected, axis=1)
    assert lengths.min() > 1e-2
    assert (np.linalg.norm(ours - expected, axis=1) / lengths).max() <= tolerance


# --- Weights


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_features_of_the_model_that_was_saved(form, state, tmp_path):
    encoder = ClipEncoder(write(form, state, tmp_path), batch_size=4)
    assert (encoder.resolution, encoder.dim) == (32, 48)
    images = [Image.fromarray(picture) for picture in PICTURES]
    assert_close(encoder.encode_images(images), literal_images(narrow_clip(), images))
    assert_close(encoder.encode_text(TEXTS), literal_texts(narrow_clip(), TEXTS))


@pytest.mark.parametrize("form", ["OpenAI's TorchScript", "state dict"])
def test_equal_to_clip_load_with_weights_in_float16(form, tmp_path):
    half = {name: tensor.half() for name, tensor in narrow_clip(half=True).state_dict().items()}
    path = write(form, half, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model, _ = openai.load(str(path), device="cpu")
    encoder, images = ClipEncoder(path), [Image.fromarray(picture) for picture in PICTURES]
    assert_close(encoder.encode_images(images), literal_images(model, images))
    assert_close(encoder.encode_text(TEXTS), literal_texts(model, TEXTS))


def test_residual_networks_load_too(tmp_path):
    model = narrow_clip(vision=((1, 2, 1, 1), 8, None))
    torch.save(model.state_dict(), tmp_path / "resnet.pt")
    images = [Image.fromarray(picture) for picture in PICTURES]
    for precision, tolerance in (("float32", CLOSE), ("bfloat16", 0.1)):
        features = ClipEncoder(tmp_path / "resnet.pt", precision=precision).encode_images(images)
        assert_close(features, literal_images(model, images), tolerance)


@pytest.mark.parametrize("size", ["narrow", "ViT-B/32"])
def test_hugging_face_weights_give_what_transformers_computes(size, tmp_path):
    transformers = pytest.importorskip("transformers", reason="needs the transformers library as a reference")
    text = {"eos_token_id": 49407, "bos_token_id": 49406, "pad_token_id": 0, "vocab_size": 49408}
    vision, projection = {}, 512
    if size == "narrow":
        text |= {
            "hidden_size": 64,
            "intermediate_size": 256,
            "num_hidden_layers": 2,
            "num_attention_heads": 1,
        }
        vision = {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 2}
        vision |= {"num_attention_heads": 2, "image_size": 32, "patch_size": 8}
        projection = 48
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=projection)
    model = randomise(transformers.CLIPModel(config))
    model.save_pretrained(tmp_path)
    encoder = ClipEncoder(tmp_path / "model.safetensors")
    preprocess = openai._transform(encoder.resolution)
    pixels = torch.stack([preprocess(Image.fromarray(picture)) for picture in PICTURES])
    tokens = openai.tokenize(TEXTS)
    with torch.no_grad():
        images = model.get_image_features(pixel_values=pixels)
        texts = model.get_text_features(input_ids=tokens)
    assert_close(encoder.encode_images(PICTURES), getattr(images, "pooler_output", images).numpy(), 1e-4)
    assert_close(encoder.encode_text(TEXTS), getattr(texts, "pooler_output", texts).numpy(), 1e-4)


def test_safetensors_beside_a_missing_file_are_found(state, tmp_path):
    profile = load_profile("vcoco")
    save_safetensors(hugging_face_names(state), tmp_path / f"{profile.clip_weights.stem}.safetensors")
    encoder = ClipEncoder(tmp_path / profile.clip_weights.name)
    assert encoder.path == tmp_path / "ViT-B-32.safetensors"


def test_a_name_of_clips_table_is_downloaded_by_clip(state, tmp_path, monkeypatch):
    torch.save(state, tmp_path / "narrow.pt")
    sha256 = hashlib.sha256((tmp_path / "narrow.pt").read_bytes()).hexdigest()
    (tmp_path / sha256).mkdir()
    (tmp_path / "narrow.pt").rename(tmp_path / sha256 / "narrow.pt")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setitem(openai._MODELS, "narrow", f"file://{tmp_path}/{sha256}/narrow.pt")
    assert ClipEncoder("narrow").path == tmp_path / "home" / ".cache" / "clip" / "narrow.pt"
    monkeypatch.setitem(openai._MODELS, "gone", f"file://{tmp_path}/{sha256}/gone.pt")
    with pytest.raises(DataError, match=r"gone\.pt.*cannot be had.*put the file there"):
        ClipEncoder("gone")


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


def test_without_its_text_tower_an_encoder_still_sees(state, tmp_path):
    encoder = ClipEncoder(write("state dict", state, tmp_path))
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


# --- Weights that are no use: one DataError that names the file, the field and the fix


def without(state: dict, *names: str) -> dict:
    return {name: tensor for name, tensor in state.items() if name not in names}


def hugging_face_with(state: dict, path: Path, **changes: torch.Tensor | None) -> None:
    changed = hugging_face_names(state) | {
        name.replace("__", "."): tensor for name, tensor in changes.items()
    }
    save_safetensors({name: tensor for name, tensor in changed.items() if tensor is not None}, path)


K = "vision_model__encoder__layers__1__self_attn__k_proj__bias"
POSITIONS = "text_model__embeddings__position_ids"
CLASS = "visual.class_embedding"
HIGHERHRNET = {
    "meta": {"epoch": 300, "mmpose_version": "0.29.0"},
    "state_dict": {
        "backbone.conv1.weight": torch.ones(4),
        "keypoint_head.final_layers.0.bias": torch.ones(1),
    },
}
VISUAL_POSITIONS, DAMAGED = (
    "visual.positional_embedding",
    "the file is damaged or holds no weights; get it again",
)
NO_DICT, OTHER = (
    "state_dict: must map names to tensors; give",
    "text_projection .* another model .*; give the weights",
)
# what is wrong with the file: its name, what writes it there, what the message must say
# fmt: off
BAD = {
    "missing": ("absent.pt", lambda s, p: None, "no such CLIP weights; put the file there"),
    "a folder": ("folder.pt", lambda s, p: p.mkdir(), "no such CLIP weights; put the file there"),
    "empty": ("empty.pt", lambda s, p: p.touch(), DAMAGED),
    "empty safetensors": ("empty.safetensors", lambda s, p: p.touch(), DAMAGED),
    "text": ("text.pt", lambda s, p: p.write_text("404 not found"), DAMAGED),
    "a list": ("list.pt", lambda s, p: torch.save([s[CLASS]], p), NO_DICT),
    "a number": ("number.pt", lambda s, p: torch.save({"a": 1}, p), NO_DICT),
    "no names": ("index.pt", lambda s, p: torch.save({1: s[CLASS]}, p), NO_DICT),
    "nothing": ("nothing.pt", lambda s, p: torch.save({}, p), NO_DICT),
    "plain pickle": ("pickle.pt", lambda s, p: p.write_bytes(pickle.dumps({"a": [1]}, protocol=2)), DAMAGED),
    "other model": ("other.pt", lambda s, p: torch.save({"fc.bias": s[CLASS]}, p), OTHER),
    "other archive": ("other.pt", lambda s, p: save_torchscript({"fc.bias": s[CLASS]}, p), OTHER),
    "HigherHRNet": ("higherhrnet.pth", lambda s, p: torch.save(HIGHERHRNET, p), OTHER),
    "one tower": ("vision.safetensors", lambda s, p: save_safetensors(
        {name: value for name, value in hugging_face_names(s).items() if name.startswith("vis")}, p), OTHER),
    "no class": ("part.pt", lambda s, p: torch.save(without(s, CLASS), p),
                 r"Missing .*visual\.class_embedding.*get it again"),
    "no conv1": ("part.pt", lambda s, p: torch.save(without(s, "visual.conv1.weight"), p),
                 r"lacks visual\.conv1\.weight; .*get it again"),
    "no tokens": ("part.pt", lambda s, p: torch.save(without(s, "token_embedding.weight"), p),
                  r"lacks token_embedding\.weight; .*get it again"),
    "one too many": ("more.pt", lambda s, p: torch.save(s | {"extra.bias": s[CLASS]}, p),
                     r"Unexpected .*extra\.bias.*get it again"),
    "shape": ("shape.pt", lambda s, p: torch.save(s | {"ln_final.bias": s[CLASS]}, p),
              r"ln_final\.bias.*get it again"),
    "positions": ("shape.pt", lambda s, p: torch.save(s | {VISUAL_POSITIONS: torch.ones(12, 128)}, p),
                  r"visual\.positional_embedding.*get it again"),
    "heads": ("heads.pt", lambda s, p: torch.save(CLIP(8, 16, 1, 96, 8, 9, 9, 64, 1, 1).state_dict(), p),
              r"visual\.class_embedding has shape \(96,\).*64.*give the weights of another model"),
    "no scale": ("hf.safetensors", lambda s, p: hugging_face_with(s, p, logit_scale=None),
                 "logit_scale.*get it again"),
    "no keys": ("hf.safetensors", lambda s, p: hugging_face_with(s, p, **{K: None}),
                r"must have one shape.*layers\.1\.self_attn\.k_proj\.bias None.*get it again"),
    "short keys": ("hf.safetensors", lambda s, p: hugging_face_with(s, p, **{K: torch.ones(64)}),
                   r"layers\.1\.self_attn\.k_proj\.bias \(64,\).*get it again"),
    "wrong ids": ("hf.safetensors", lambda s, p: hugging_face_with(s, p, **{POSITIONS: torch.arange(1, 78)}),
                  r"text_model\.embeddings\.position_ids is not what.*get it again"),
    "wrong fact": ("fact.pt", lambda s, p: torch.save(s | {"input_resolution": torch.tensor(224)}, p),
                   "input_resolution is not what .*get it again"),
    "not OpenAI's": ("ViT-B-32.pt", lambda s, p: torch.save(s, p),
                     "sha256 begins .{8}, that of OpenAI's .* 40d36571; download it again, .* another name"),
}
# fmt: on


@pytest.mark.parametrize("problem", BAD)
def test_useless_weights_are_named_with_field_and_fix(problem, state, tmp_path):
    name, save, message = BAD[problem]
    save(state, tmp_path / name)
    with pytest.raises(DataError, match=rf"(?s)^{tmp_path / name}: .*{message}") as caught:
        ClipEncoder(tmp_path / name)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("part", [0.001, 0.5, 0.999])
def test_truncated_files_are_refused(form, part, state, tmp_path):
    path = write(form, state, tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(DataError, match=rf"^{path}: the file is damaged or holds no weights; get it again"):
        ClipEncoder(path)


class Intruder:
    """A pickle of this would make a folder when read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


def test_nothing_in_a_file_is_executed(state, tmp_path):
    torch.save({**state, "intruder": Intruder(tmp_path / "made")}, tmp_path / "bad.pt")
    with pytest.raises(
        DataError, match=r"bad\.pt: the file holds \w+\.mkdir, which is no tensor; get it again"
    ):
        ClipEncoder(tmp_path / "bad.pt")
    assert not (tmp_path / "made").exists()
    torch.load(tmp_path / "bad.pt", weights_only=False)
    assert (tmp_path / "made").exists()


def test_clip_needs_no_pose_library():
    code = "import sys, lib.clip_features; sys.exit('mmpose' in sys.modules or 'mmengine' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
