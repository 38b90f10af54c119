"""The number format that a frozen network runs in."""

import torch


def choose_dtype(precision: str, device: str) -> torch.dtype:
    """Return the network's number type: of that name or, for `auto`, the fastest that keeps float32's range.

    bfloat16 where the processor multiplies it in hardware (3 times as fast on AMX), float16 on a GPU. Raises
    ValueError for a name that is none of these.
    """
    names = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if precision != "auto":
        if precision not in names:
            raise ValueError(f"precision is one of auto, {', '.join(names)}, got {precision!r}")
        return names[precision]
    if torch.device(device).type == "cuda":
        return torch.float16
    fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if fast else torch.float32
