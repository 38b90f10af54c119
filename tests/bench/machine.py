"""The clock, the memory, and what the machine can do at best (Linux)."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from bench.table import GIB
from lib.profiles import commit


class Seconds(NamedTuple):
    """How long a call took, and how long the processor worked on it, which other users disturb less."""

    wall: float
    busy: float


def timed(run: Callable[[], object]) -> Seconds:
    """Time one call; what a GPU was given is waited for."""
    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    wait()
    began = time.perf_counter(), time.process_time()
    run()
    wait()
    return Seconds(time.perf_counter() - began[0], time.process_time() - began[1])


def alternate(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[Seconds]]:
    """Time every run once a round, one after the other, because the machine may be shared."""
    times = [{name: timed(run) for name, run in runs.items()} for _ in range(rounds)]
    return {name: [one[name] for one in times] for name in runs}


def walls(times: Iterable[Seconds]) -> list[float]:
    """Return the seconds on the clock."""
    return [one.wall for one in times]


def forget_peak() -> None:
    """Let `peak_memory` count from what the process holds now: what prepared the run was not ours."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> float:
    """Return this process's peak in GiB; Linux's own count, as `ru_maxrss` begins with the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024 / GIB


def timed_apart(preparation: str, code: str) -> tuple[float, float]:
    """Run code in a fresh interpreter; return its seconds after the preparation, and the peak in GiB."""
    script = f"""{preparation}
import sys, time; from pathlib import Path
began = time.perf_counter()
{code}
seconds = time.perf_counter() - began
print(seconds, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], file=sys.stderr)"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, kilobytes = done.stderr.split()[-2:]
    return float(seconds), int(kilobytes) * 1024 / GIB


def apart(run: Callable[..., None], *arguments: object) -> None:
    """Call a function in a process of its own, so that its memory is not counted here."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(run, *arguments).result()


def matmul_rate(dtype: torch.dtype, device: str = "cpu") -> float:
    """Return the best rate, operations a second, of square matrix products."""
    best = 0.0
    for size in (1024, 2048, 3072) if device == "cpu" else (4096, 8192):
        a, b = torch.randn(2, size, size, device=device).to(dtype)
        torch.mm(a, b)
        seconds = min(timed(lambda a=a, b=b: torch.mm(a, b)).wall for _ in range(5))
        best = max(best, 2 * size**3 / seconds)
    return best


def bandwidth(floats: int = 2**26) -> float:
    """Return the bytes per second of STREAM's triad, a = b + 2 c, on arrays of 268 MB."""
    a, b, c = (torch.ones(floats) for _ in range(3))
    return 12 * floats / min(timed(lambda: torch.add(b, c, alpha=2, out=a)).wall for _ in range(5))


def disk_rate(path: Path) -> float:
    """Return the bytes per second at which a file is read that the system's cache was told to forget."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return path.stat().st_size / timed(file.read).wall


def decode_rate(images: list[Path]) -> float:
    """Return the images per second that PIL alone decodes."""
    return len(images) / min(
        timed(lambda: [np.asarray(Image.open(p)) for p in images]).wall for _ in range(3)
    )


def describe() -> dict[str, str]:
    """Say on what, when and of which commit was measured."""
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    fast = {"AMX": torch.cpu._is_amx_tile_supported(), "AVX-512 BF16": torch.cpu._is_avx512_bf16_supported()}
    formats = [name for name, there in fast.items() if there]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return {
        "processor": models[0].split(":")[1].strip() if models else platform.processor(),
        "cores": str(os.cpu_count()),
        "bfloat16 in hardware": ", ".join(formats) or "no",
        "memory": f"{memory:.0f} GiB",
        "torch": f"{torch.__version__}, {torch.get_num_threads()} threads",
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU at hand",
        "date": datetime.now().isoformat(" ", "minutes"),
        "commit": commit(),
        "load when begun": f"{os.getloadavg()[0]:.1f}",
    }
