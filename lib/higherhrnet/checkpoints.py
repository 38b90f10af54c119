"""Checkpoints read without trusting them: plain types only, the hash in the file name, every tensor used."""

import hashlib
import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lib.profiles import DataError

# What MMPose 0.x's metadata may hold besides Python's own plain types, which torch always allows: NumPy
# scalars.
PLAIN_TYPES = (
    np.core.multiarray.scalar,  # type: ignore[attr-defined]  # not in NumPy's stubs
    np.dtype,
    np.dtypes.Float64DType,
    np.dtypes.Float32DType,
    np.dtypes.Int64DType,
)

# OpenMMLab publishes name-<first 8 hex digits of the sha256>_<date>.pth; a date alone is no hash.
HASH_IN_NAME = re.compile(r"-([0-9a-f]{8})_\d{8}\.pth$")


def read_checkpoint(path: str | Path, extra_types: tuple[type, ...] = ()) -> dict:
    """Read a checkpoint as `{"state_dict": {name: tensor}, "meta": {...}}`, executing nothing from it.

    Classes other than torch's, `PLAIN_TYPES` and `extra_types` are refused. Raises DataError, naming the
    file and the remedy, where the file is absent, damaged, or not what the hash in its name says.
    """
    path = Path(path)
    check_hash(path)
    try:
        with torch.serialization.safe_globals([*PLAIN_TYPES, *extra_types]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch raise nearly anything, IndexError for one
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = (
            f"holds the class {found[1]}, which is not plain" if found else "is damaged or not a checkpoint"
        )
        raise DataError(f"{path}: {what}; get the file again from its publisher") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise DataError(
            f"{path}: field state_dict must map names to tensors; this is not a checkpoint of a model"
        )
    meta = (None if state is content else content.get("meta")) or {}
    if not isinstance(meta, dict):
        raise DataError(f"{path}: field meta must be a dict, it is a {type(meta).__name__}")
    return {"state_dict": dict(state), "meta": meta}


def check_hash(path: Path) -> None:
    """Raise DataError unless the file exists and, if OpenMMLab named it, has the hash that its name tells."""
    if not path.is_file():
        raise DataError(f"{path}: no such checkpoint; download it, or give the path of another")
    promised = HASH_IN_NAME.search(path.name)
    if promised is None:
        return
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if not actual.startswith(promised[1]):
        begin = actual[: len(promised[1])]
        raise DataError(f"{path}: its sha256 begins {begin}, its name says {promised[1]}; download it again")


def load_strictly(model: nn.Module, path: str | Path, extra_types: tuple[type, ...] = ()) -> dict:
    """Load a checkpoint into `model`, every tensor used, none missing; return its meta."""
    checkpoint = read_checkpoint(path, extra_types)
    use_strictly(model, checkpoint["state_dict"], path)
    return checkpoint["meta"]


def use_strictly(model: nn.Module, state: dict[str, Tensor], path: str | Path) -> None:
    """Give `model` the tensors of a state dict, named as in MMPose 0.x or 1.x, from the file `path`.

    Raises DataError naming the file and a parameter that is absent, left over or of another shape.
    """
    given = {rename_from_0x(name): value for name, value in state.items()}
    wanted = model.state_dict()
    for problem, names in (
        ("lacks", wanted.keys() - given.keys()),
        ("has besides", given.keys() - wanted.keys()),
    ):
        if names:
            raise DataError(
                f"{path}: {problem} {min(names)} ({len(names)} such); it belongs to another model or config"
            )
    for name, tensor in wanted.items():
        expected, received = tuple(tensor.shape), tuple(given[name].shape)
        if expected != received:
            raise DataError(f"{path}: {name} has shape {received}, the model's config says {expected}")
    model.load_state_dict(given, strict=True)


def rename_from_0x(name: str) -> str:
    """Translate a parameter name of MMPose 0.x to 1.x: `keypoint_head` became `head`, no other changed."""
    return re.sub(r"^keypoint_head\.", "head.", name)
