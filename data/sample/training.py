"""What the two training scripts share: options, freshly drawn scenes, and a loop that survives kills."""

import argparse
import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from scenery.activities import ACTIVITIES
from scenery.scene import Scene, draw_scene
from torch import nn
from tqdm import tqdm

from lib.files import write_whole

WARM_UP = 200  # steps in which the learning rate grows


def read_options(usage: str, minutes: float, scenes: int, output: str) -> argparse.Namespace:
    """Read `--minutes`, `--scenes` and `--output`, a file beside this one unless given."""
    parser = argparse.ArgumentParser(description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--scenes", type=int, default=scenes)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / output)
    return parser.parse_args()


def draw_examples(examples_of_scene: Callable[[int], list], scenes: int) -> list:
    """Collect the examples of scenes 0 and on, drawn on all cores."""
    with ProcessPoolExecutor() as workers:
        drawn = tqdm(
            workers.map(examples_of_scene, range(scenes), chunksize=16), total=scenes, desc="drawing"
        )
        return [example for examples in drawn for example in examples]


def draw_numbered(seed: int, number: int) -> tuple[np.random.Generator, Scene]:
    """Draw a scene, its activity by the weights of `ACTIVITIES`; return its generator, too, to go on with."""
    rng = np.random.default_rng([seed, number])
    weights = np.array([activity.weight for activity in ACTIVITIES])
    return rng, draw_scene(rng, ACTIVITIES[rng.choice(len(ACTIVITIES), p=weights / weights.sum())])


def train_for(
    seconds: float,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Callable[[int], Iterable],
    loss_of: Callable[..., torch.Tensor],
    kept: Path,
) -> None:
    """Train with a cosine learning rate until the time is up; `batches(step)` yields them from a step on.

    The state is kept in the file `kept` every minute and taken up from there; the caller removes the file.
    """
    step, elapsed = _resume(model, optimiser, kept)
    began, saved, losses = time.monotonic() - elapsed, elapsed, []
    highest = [group["lr"] for group in optimiser.param_groups]
    with tqdm(total=round(seconds), initial=round(elapsed), desc="training", unit="s") as bar:
        for batch in batches(step):
            elapsed = time.monotonic() - began
            if elapsed >= seconds:
                break
            share = min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * elapsed / seconds))
            for group, rate in zip(optimiser.param_groups, highest, strict=True):
                group["lr"] = rate * share
            losses.append(_take_step(model, optimiser, loss_of(*batch)))
            step += 1
            bar.update(round(elapsed) - bar.n)
            bar.set_postfix(steps=step, loss=f"{np.mean(losses[-100:]):.5f}", refresh=False)
            if elapsed - saved > 60:
                _save(model, optimiser, step, elapsed, kept)
                saved = elapsed


def _take_step(model: nn.Module, optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> float:
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return loss.item()


def _save(model: nn.Module, optimiser: torch.optim.Optimizer, step: int, elapsed: float, kept: Path) -> None:
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
    with write_whole(kept) as path:
        torch.save({**state, "step": step, "elapsed": elapsed}, path)


def _resume(model: nn.Module, optimiser: torch.optim.Optimizer, kept: Path) -> tuple[int, float]:
    """Take up an interrupted training; return its steps and seconds, or zeros where there is none."""
    if not kept.exists():
        return 0, 0.0
    state = torch.load(kept, weights_only=True)
    model.load_state_dict(state["model"])
    rates = [group["lr"] for group in optimiser.param_groups]
    optimiser.load_state_dict(state["optimiser"])
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate
    return state["step"], state["elapsed"]
