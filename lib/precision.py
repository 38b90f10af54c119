"""The number format that a frozen network runs in, and the device that it or a training runs on."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lib.profiles import DataError


def check_device(device: str) -> None:
    """Raise DataError for a device that is not `cpu`, `cuda` or `cuda:<number>`, or that is not here."""
    try:
        kind, number = torch.device(device).type, torch.device(device).index or 0
    except (RuntimeError, TypeError):
        kind, number = "", 0
    if kind not in ("cpu", "cuda"):
        raise DataError(f'DEVICE is "{device}"; choose "cpu" or "cuda".')
    if kind == "cuda" and number >= (seen := torch.cuda.device_count()):
        those = f"GPUs 0 to {seen - 1} are" if seen > 1 else "one GPU is" if seen else "no GPU is"
        fix = 'choose "cuda"' if seen else "leave DEVICE out"
        raise DataError(f'DEVICE is "{device}", but {those} seen here; {fix}.')


def choose_dtype(precision: str, device: str) -> torch.dtype:
    """Return the network's number type: of that name or, for `auto`, the fastest that keeps float32's range.

    That is bfloat16 where the processor (3 times as fast on AMX) or the GPU that is seen here multiplies it
    in hardware, else float32. Raises ValueError for a name that is none of these.
    """
    names = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if precision != "auto":
        if precision not in names:
            raise ValueError(f"precision is one of auto, {', '.join(names)}, got {precision!r}")
        return names[precision]
    if str(device).startswith("cuda"):  # other names are for `check_device` to judge
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if fast else torch.float32


@contextmanager
def without_tf32() -> Iterator[None]:
    """Let a GPU convolve float32 as float32; by default cuDNN rounds it to TF32, of 10 bits after the point.

    Matrix products are torch's default, which is float32.
    """
    conv = torch.backends.cudnn.conv  # type: ignore[attr-defined]  # made when imported
    before, conv.fp32_precision = conv.fp32_precision, "ieee"
    try:
        yield
    finally:
        conv.fp32_precision = before
