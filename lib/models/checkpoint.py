"""The state of a training on disk, so that a killed one goes on where it was."""

import hashlib
import json
import pickle
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lib.files import write_whole
from lib.profiles import DataError


def fingerprint(settings: Mapping[str, object], tensors: Iterable[Tensor]) -> str:
    """Return a digest of settings that JSON can say and of every bit of the tensors."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for values in tensors:
        digest.update(f"{values.dtype} {tuple(values.shape)}".encode())
        digest.update(values.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def save_checkpoint(path: Path, mark: str, state: dict[str, object]) -> None:
    """Write the state of a training whose fingerprint is `mark`; the file is whole or the old one stays."""
    with write_whole(path) as temporary, temporary.open("wb") as file:  # torch refuses some names of files
        torch.save(state | {"fingerprint": mark}, file)


def load_checkpoint(path: Path, mark: str) -> dict[str, Any] | None:
    """Read the state that was saved under this fingerprint; None, with a warning if another's is there.

    Its tensors are on the CPU, wherever they were saved; Adam moves its own to where its weights are. Raises
    DataError where the file is no checkpoint.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError):
        state = None
    if not isinstance(state, dict) or "fingerprint" not in state:
        raise DataError(f"{path}: not a checkpoint of a training; remove it or name another file.")
    if state.pop("fingerprint") != mark:
        warnings.warn(f"{path} is of other data or settings: training starts anew.", stacklevel=3)
        return None
    return state
