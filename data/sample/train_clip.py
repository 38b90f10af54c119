"""Train the sample's small CLIP on freshly drawn scenes with written captions, within an hour on 2 cores.

    python data/sample/train_clip.py [--minutes 45] [--scenes 12000] [--output FILE]

Writes clip_small.pt, which `clip.load` reads. Contrastive as Radford et al. (2021, figure 3), with clip's own
model class and tokenizer, on whole images and on people's crops, as the experiments use both. The scenes'
seeds are apart from those of the sample's people.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from captions import person_caption, scene_caption
from torch import Tensor, nn
from training import draw_examples, draw_numbered, read_options, train_for

from lib.clip_features.weights import CLIP, openai
from lib.crops import cut, grow_box
from lib.files import write_whole

SEED = 88  # draw.py draws with 2014, train_pose.py with 77
RESOLUTION = 128
STORED = 160  # pixels of an example's short side: room for shifting
SMALLEST = 130  # visible pixels of a person below which nobody could name a verb
CAPTIONS = 8  # per view; each time it is shown, one is chosen
BATCH = 192
LEARNING_RATE = 2e-3
IMAGE_TOWER = {"vision_layers": (2, 2, 2, 1), "vision_width": 16, "vision_patch_size": None}
TEXT_TOWER = {
    "context_length": 77,
    "vocab_size": 49408,  # of clip's tokenizer
    "transformer_width": 64,
    "transformer_heads": 1,  # clip.load takes width / 64
    "transformer_layers": 2,
}


@dataclass(frozen=True)
class Example:
    """One view: RGB pixels whose short side is STORED, and captions of it as token numbers (CAPTIONS, 77)."""

    pixels: np.ndarray
    tokens: np.ndarray


def main() -> None:
    options = read_options(__doc__, minutes=45, scenes=12000, output="clip_small.pt")
    torch.manual_seed(SEED)
    model = CLIP(embed_dim=128, image_resolution=RESOLUTION, **IMAGE_TOWER, **TEXT_TOWER).train()
    examples = draw_examples(examples_of_scene, options.scenes)
    kept = options.output.with_suffix(".part")
    train(model, examples, options.minutes * 60, kept)
    save_clip(model, examples, options.output)
    kept.unlink(missing_ok=True)  # none where the training was short
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


def examples_of_scene(number: int) -> list[Example]:
    """Draw one scene, its activity by the weights of `ACTIVITIES`, and caption its views."""
    rng, scene = draw_numbered(SEED, number)
    people = [one for one in scene.instances if one.verbs and one.mask.sum() >= SMALLEST]
    if not people:
        return []
    height, width = scene.picture.shape[:2]
    examples = [
        Example(shrink(scene.picture), tokenize([scene_caption(rng, scene, people) for _ in range(CAPTIONS)]))
    ]
    for person in people:
        rows, columns = np.nonzero(person.mask)
        box = np.array([columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1])
        crop = cut(scene.picture, grow_box(box, width, height, pad=20))
        captions = [person_caption(rng, scene, person) for _ in range(CAPTIONS)]
        examples.append(Example(shrink(crop), tokenize(captions)))
    return examples


def shrink(pixels: np.ndarray) -> np.ndarray:
    """Scale a view to a short side of STORED pixels and cut its middle out, a little longer than wide."""
    height, width = pixels.shape[:2]
    factor = STORED / min(height, width)
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    view = cv2.resize(pixels, (round(width * factor), round(height * factor)), interpolation=interpolation)
    top, left = (max(0, (side - STORED) // 2 - 16) for side in view.shape[:2])
    return view[top : top + STORED + 32, left : left + STORED + 32].copy()


def tokenize(captions: list[str]) -> np.ndarray:
    return openai.tokenize(captions).numpy().astype(np.int32)


def train(model: CLIP, examples: list[Example], seconds: float, kept: Path) -> None:
    """Train both towers on the symmetric cross entropy of a batch's image-caption similarities."""
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=(0.9, 0.98),
    )
    model.visual.to(memory_format=torch.channels_last)
    train_for(
        seconds,
        model,
        optimiser,
        lambda step: batches(examples, np.random.default_rng([SEED, step])),
        lambda pixels, tokens: contrastive_loss(model, pixels, tokens),
        kept,
    )


def contrastive_loss(model: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
    """Return CLIP's loss; the network in bfloat16 where the processor has it, the similarities in float32."""
    with torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported()):
        images = model.encode_image(pixels.contiguous(memory_format=torch.channels_last))
        texts = model.encode_text(tokens)
    images = nn.functional.normalize(images.float(), dim=1)
    texts = nn.functional.normalize(texts.float(), dim=1)
    logits = model.logit_scale.exp().clamp(max=100) * images @ texts.T
    own = torch.arange(len(logits))
    return (nn.functional.cross_entropy(logits, own) + nn.functional.cross_entropy(logits.T, own)) / 2


def batches(examples: list[Example], rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield endless batches: pixels (BATCH, 3, 128, 128) normalised as clip does, and one caption of each."""
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in clip_normalisation())
    while True:
        for indices in np.array_split(rng.permutation(len(examples)), max(1, len(examples) // BATCH)):
            views = np.stack([augment(examples[i].pixels, rng) for i in indices])
            pixels = torch.from_numpy(views).permute(0, 3, 1, 2).float().div_(255)
            tokens = np.stack([examples[i].tokens[rng.integers(CAPTIONS)] for i in indices])
            tokens = tokens[:, : tokens.argmax(axis=1).max() + 1]
            yield (pixels - mean) / std, torch.from_numpy(tokens).long()


def clip_normalisation() -> tuple[list[float], list[float]]:
    """Return the mean and standard deviation of colours in clip's preprocessing."""
    normalise = openai._transform(RESOLUTION).transforms[-1]
    return list(normalise.mean), list(normalise.std)


def augment(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift, scale, mirror and recolour a view into RESOLUTION pixels."""
    height, width = pixels.shape[:2]
    side = int(min(height, width) * rng.uniform(0.85, 1.0))
    top = round((height - side) * np.clip(rng.normal(0.5, 0.25), 0, 1))
    left = round((width - side) * np.clip(rng.normal(0.5, 0.25), 0, 1))
    view = cv2.resize(pixels[top : top + side, left : left + side], (RESOLUTION, RESOLUTION))
    if rng.random() < 0.5:
        view = view[:, ::-1]
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.93, 1.07, 3)
    return np.clip(view * gain + rng.uniform(-12, 12), 0, 255).astype(np.uint8)


def save_clip(model: CLIP, examples: list[Example], path: Path) -> None:
    """Save a state dict in clip's names and half precision, words that no caption has as zeros.

    The table of words would alone be larger than all else: it is kept in 8 bits, which `load_state_dict`
    converts.
    """
    state = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    known = torch.from_numpy(np.unique(np.concatenate([example.tokens for example in examples])))
    words = torch.zeros_like(state["token_embedding.weight"])
    words[known.long()] = state["token_embedding.weight"][known.long()]
    state["token_embedding.weight"] = words.to(torch.float8_e4m3fn)
    with write_whole(path) as temporary:
        torch.save(state, temporary)


if __name__ == "__main__":
    main()
