"""A narrow CLIP with every number random, the files that hold it, and clip's own loop as the reference."""

from pathlib import Path

import numpy as np
import torch
from clip_files import hugging_face_names, save_safetensors, save_torchscript

from lib.clip_features.weights import CLIP, openai

CLOSE = 1e-5  # of the length of a feature vector
TEXTS = ["a photo of a person riding.", "surf", "", "Ein Mensch, der läuft, springt und lacht! " * 2]
RANDOM = np.random.default_rng(0)
SIZES = [(40, 56), (97, 41), (16, 16), (31, 200), (64, 64), (20, 33)]  # height and width
PICTURES = [RANDOM.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]
BOXES = np.array(
    [[3, 5, 12, 20], [0, 0, 41, 97], [10, 2, 1, 1], [150, 8, 40, 30], [30, 30, 0, 9], [2, 2, 8, 8]]
)


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
