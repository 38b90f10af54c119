"""CLIP's weights from a local file, in every form they are published in, read without trusting the file.

Forms: OpenAI's `.pt`, which is a TorchScript archive; a state dict saved by torch; safetensors. Namings:
clip's own, open_clip's, Hugging Face's. The architecture is inferred from the shapes by clip's `build_model`,
which knows OpenAI's models: heads of 64 channels and QuickGELU. A model with others (open_clip's ViT-H, most
of LAION's, trained with GELU) cannot be told by its tensors and gives wrong numbers. Errors are `DataError`.
"""

import hashlib
import re
import warnings
import zipfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from lib.coco import listing
from lib.profiles import DataError

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")  # clip needs no more of it
    from clip import clip as openai
    from clip.model import CLIP, build_model

# Hugging Face's names and clip's, as regular expressions, applied in this order.
HUGGING_FACE = (
    (r"^vision_model\.embeddings\.class_embedding$", "visual.class_embedding"),
    (r"^vision_model\.embeddings\.patch_embedding\.", "visual.conv1."),
    (r"^vision_model\.embeddings\.position_embedding\.weight$", "visual.positional_embedding"),
    (r"^vision_model\.pre_layrnorm\.", "visual.ln_pre."),  # their spelling
    (r"^vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"^vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"^visual_projection\.weight$", "visual.proj"),
    (r"^text_model\.embeddings\.token_embedding\.", "token_embedding."),
    (r"^text_model\.embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^text_model\.final_layer_norm\.", "ln_final."),
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"^text_projection\.weight$", "text_projection"),
    (r"\.self_attn\.", ".attn."),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
)
PROJECTIONS = ("visual.proj", "text_projection")  # of linear layers there, of plain matrices in clip

# What files hold besides weights: facts that the architecture already says.
FACTS = (
    "input_resolution",
    "context_length",
    "vocab_size",
    "attn_mask",
    "text_model.embeddings.position_ids",
    "vision_model.embeddings.position_ids",
)


def find_weights(weights: str | Path) -> Path:
    """Return the file that holds `weights`: a path, or a model's name in clip's table, got by clip itself.

    Where the path is missing, safetensors of the same name beside it count: `lib.download` puts them there
    when no host has OpenAI's file.
    """
    if str(weights) in openai._MODELS:
        return _get_official(str(weights))
    path = Path(weights)
    sibling = path.parent / f"{path.stem}.safetensors"
    for candidate in (path, sibling):
        if candidate.is_file():
            return candidate
    raise DataError(
        f"{path}: no such CLIP weights; put the file there (for the profile vcoco, python -m "
        f"lib.download does), or name one of clip's models: {', '.join(openai._MODELS)}."
    )


def _get_official(name: str) -> Path:
    """Return clip's cached file of a model in its table, downloaded and verified by clip if absent."""
    url, cache = openai._MODELS[name], Path.home() / ".cache" / "clip"
    try:
        return Path(openai._download(url, str(cache)))
    except (OSError, RuntimeError) as error:  # no network, a vanished address; a wrong hash
        raise DataError(
            f"{cache / Path(url).name}: {name} cannot be had from {url} ({error}); put the file there, "
            "or give the path of another copy of the weights."
        ) from error


def load_clip(path: Path) -> CLIP:
    """Build the CLIP that a file holds, in float32 and frozen: every tensor used, none missing.

    The numbers are the file's own. `clip.load` rounds matrices to float16 first, which changes nothing in
    weights stored in float16, as OpenAI's are. Raises DataError naming the file, the tensor and the remedy.
    """
    state = _rename(_read_tensors(path), path)
    facts = {name: state.pop(name) for name in FACTS if name in state}
    if "text_projection" not in state or not any(name.startswith("visual.") for name in state):
        raise DataError(
            f"{path}: text_projection and visual.*: not both there, so this is the checkpoint of another "
            f"model (its tensors: {listing(sorted(state))}); give the weights of a whole CLIP."
        )
    _check_heads(state, path)
    try:
        model = build_model(dict(state)).float()
        model.load_state_dict(state)
    except Exception as error:  # where shapes make no CLIP, inferring one from them raises nearly anything
        raise DataError(
            f"{path}: {_first_problem(error)}; the file is damaged or of another architecture than CLIP's: "
            "get it again."
        ) from error
    _check_facts(model, facts, path)
    return model.eval().requires_grad_(False)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the file's state dict, executing nothing from it."""
    try:
        _check_official_hash(path)
        content = _read(path)
    except DataError:
        raise
    except (PermissionError, FileNotFoundError) as error:  # safetensors says the latter for the former
        raise DataError(f"{path}: the file may not be read; check its rights.") from error
    except Exception as error:  # a damaged file makes torch raise nearly anything
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"holds {refused[1]}, which is no tensor" if refused else "is damaged or holds no weights"
        raise DataError(f"{path}: the file {what}; get it again from its publisher.") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(map(_is_named_tensor, state.items())):
        raise DataError(f"{path}: state_dict: must map names to tensors; give the checkpoint of a CLIP.")
    return dict(state)


def _is_named_tensor(item: tuple) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], Tensor)


def _read(path: Path) -> object:
    """Read safetensors, a TorchScript archive or a pickle of plain tensors.

    torch.load(weights_only=True) cannot read a TorchScript archive. torch.jit.load makes no Python object of
    the file's choice; of the code in the archive it runs only what unpickling needs, in TorchScript's own
    interpreter, and nothing is called afterwards.
    """
    if path.suffix == ".safetensors":
        return load_file(path)
    if _is_torchscript(path):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*torch.jit.load.* is deprecated")
            return dict(torch.jit.load(path, map_location="cpu").state_dict())
    return torch.load(path, map_location="cpu", weights_only=True)


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _check_official_hash(path: Path) -> None:
    """Raise DataError where a file has the name of one of OpenAI's and not its sha256."""
    official = {url.split("/")[-1]: url.split("/")[-2] for url in openai._MODELS.values()}
    if path.name not in official:
        return
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != official[path.name]:
        raise DataError(
            f"{path}: its sha256 begins {actual[:8]}, that of OpenAI's file of this name "
            f"{official[path.name][:8]}; download it again, or give weights of your own another name."
        )


def _rename(state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Give the tensors clip's names, whichever of the three namings they have."""
    state = {
        name.removeprefix("module."): tensor for name, tensor in state.items()
    }  # left by parallel training
    if any(name.startswith(("vision_model.", "text_model.")) for name in state):
        return _rename_from_hugging_face(state, path)
    # open_clip's names are clip's; its CustomTextCLIP has the text tower's under `text.`.
    return {name.removeprefix("text."): tensor for name, tensor in state.items()}


def _rename_from_hugging_face(state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in _join_attention(state, path).items():
        for pattern, replacement in () if name in FACTS else HUGGING_FACE:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor.T if name in PROJECTIONS else tensor
    return renamed


def _join_attention(state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Stack the separate projections of queries, keys and values into the one matrix that torch uses."""
    state = dict(state)
    for query in [name for name in state if ".self_attn.q_proj." in name]:
        names = [query.replace(".q_proj.", f".{part}_proj.") for part in "qkv"]
        parts = [state.pop(name, None) for name in names]
        shapes = [None if part is None else tuple(part.shape) for part in parts]
        if len(set(shapes)) > 1:
            given = ", ".join(f"{name} {shape}" for name, shape in zip(names, shapes, strict=True))
            raise DataError(f"{path}: must have one shape, got {given}; the file is damaged: get it again.")
        whole = torch.cat([part for part in parts if part is not None])
        state[query.replace(".q_proj.", ".in_proj_")] = whole
    return state


def _check_heads(state: dict[str, Tensor], path: Path) -> None:
    """Raise DataError where a transformer's width is no multiple of 64, the width of CLIP's heads."""
    for name in ("ln_final.weight", "visual.class_embedding"):
        if name in state and (state[name].ndim != 1 or state[name].numel() % 64):
            raise DataError(
                f"{path}: {name} has shape {tuple(state[name].shape)}, CLIP's is a multiple of 64, the width "
                "of its heads; give the weights of another model."
            )


def _first_problem(error: Exception) -> str:
    """Say what clip found wrong, in one line that names the tensor."""
    if isinstance(error, KeyError):
        return f"lacks {error.args[0]}"
    problems = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = problems[min(1, len(problems) - 1)] if problems else type(error).__name__
    return text[:200].rstrip(" .")


def _check_facts(model: CLIP, facts: dict[str, Tensor], path: Path) -> None:
    """Raise DataError where the file says of its architecture other than what its shapes say."""
    visual_positions = getattr(model.visual, "positional_embedding", torch.empty(0))
    expected = {
        "input_resolution": torch.tensor(model.visual.input_resolution),
        "context_length": torch.tensor(model.context_length),
        "vocab_size": torch.tensor(model.vocab_size),
        "attn_mask": model.build_attention_mask(),
        "text_model.embeddings.position_ids": torch.arange(model.context_length),
        "vision_model.embeddings.position_ids": torch.arange(len(visual_positions)),
    }
    for name, fact in facts.items():
        if not torch.equal(fact.flatten().double(), expected[name].flatten().double()):
            raise DataError(
                f"{path}: {name} is not what the shapes of the other tensors say; the file is damaged, or of "
                "another model than CLIP: get it again."
            )
