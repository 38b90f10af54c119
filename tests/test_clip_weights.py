"""CLIP's weights: every form gives the model that was saved; useless files are named, none is executed."""

import hashlib
import os
import pickle
import warnings
from pathlib import Path

import pytest
import torch
from clip_files import hugging_face_names, save_safetensors, save_torchscript
from narrow_clip import (
    CLOSE,
    FORMS,
    PICTURES,
    TEXTS,
    assert_close,
    literal_images,
    literal_texts,
    narrow_clip,
    randomise,
    write,
)
from PIL import Image

from lib.clip_features import ClipEncoder
from lib.clip_features.weights import CLIP, openai
from lib.profiles import DataError, load_profile


@pytest.fixture(scope="module")
def state() -> dict:
    """The tensors of a narrow CLIP; tests copy before they change."""
    return narrow_clip().state_dict()


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
