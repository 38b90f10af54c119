"""CLIP's features: `ClipEncoder` takes images, people's boxes or words, and returns CLIP's raw numbers.

Radford et al., Learning Transferable Visual Models From Natural Language Supervision, 2021. Network,
tokenizer and preprocessing are those of OpenAI's package `clip`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import Compose

from lib.clip_features.prompts import prompts_for
from lib.clip_features.weights import CLIP, find_weights, load_clip, openai
from lib.crops import Picture, cut, group_by_image, grow_box, read_image
from lib.precision import check_device, choose_dtype, without_tf32


class ClipEncoder:
    """Turns images, crops of people and texts into CLIP's raw numbers, not normalised, as float32.

    weights      a file of CLIP's weights (see `lib.clip_features.weights` for the forms), or the name of a
                 model in clip's table, such as `ViT-B/32`, which clip then downloads
    precision    `float32`, the reference; `bfloat16`, `float16`; `auto`, the faster of the first two here
    batch_size   images or texts in one forward pass

    `path` is the file that was read, `resolution` the side of the input in pixels, `dim` the number of
    features. In float32 no result depends on the batch beyond rounding (1e-5 relative). Raises DataError
    where weights or device cannot be used.
    """

    def __init__(
        self,
        weights: str | Path,
        *,
        device: str = "cpu",
        precision: str = "float32",
        batch_size: int = 32,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is at least 1, got {batch_size}")
        check_device(device)
        self.device, self.batch_size = device, batch_size
        self.dtype = choose_dtype(precision, device)
        self.path = find_weights(weights)
        model = load_clip(self.path)
        self.resolution: int = model.visual.input_resolution
        self.dim: int = model.text_projection.shape[1]
        self.model = use_dtype(model, self.dtype).to(device)
        *to_square, _, self._normalise = openai._transform(self.resolution).transforms
        self._to_square = Compose(to_square)  # resize, centre crop, RGB

    def encode_images(self, images: Sequence[Picture]) -> np.ndarray:
        """Return (n, dim) features of whole images: paths, PIL images or RGB arrays.

        Paths and PIL images are read as `lib.coco.load_image` says. Raises DataError or ValueError for an
        image that cannot be read.
        """
        views = ((position, self.prepare(image)) for position, image in enumerate(images))
        return self._encode_views(views, len(images))

    def encode_crops(self, images: Sequence[Picture], boxes: np.ndarray, pad: float = 20) -> np.ndarray:
        """Return (n, dim) features of n people: `images`, one per person, and `boxes` (n, 4) of x, y, w, h.

        A box is grown by `pad` pixels on every side and clipped to the image. An image given for several
        people is read once. Raises ValueError as `encode_images` and `lib.crops.grow_box` do.
        """
        boxes = np.asarray(boxes, dtype=float)
        if boxes.shape != (len(images), 4) and (len(images) or boxes.size):
            raise ValueError(f"expected boxes of shape ({len(images)}, 4), one per image, got {boxes.shape}")
        return self._encode_views(self._crops(images, boxes, pad), len(images))

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, dim) features of texts.

        Raises ValueError where a text has more tokens than the model's context, 77 with OpenAI's weights, or
        where the text tower was dropped.
        """
        if not hasattr(self.model, "transformer"):
            raise ValueError("this encoder's text tower was dropped; make another ClipEncoder for texts")
        texts = [texts] if isinstance(texts, str) else list(texts)
        features = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), self.batch_size):
            chunk = slice(start, start + self.batch_size)
            features[chunk] = self._encode_tokens(self._tokenize(texts[chunk]))
        return features

    def encode_prompts(self, verbs: Sequence[str]) -> np.ndarray:
        """Return (n, dim) features of verbs, the mean over `TEMPLATES` of L2-normalised prompt features.

        The mean itself is not normalised. `lib.clip_features.prompts` holds the words: V-COCO's verbs have
        phrases there, any other verb is put in with spaces for underscores.
        """
        prompts = [prompts_for(verb) for verb in verbs]
        features = self.encode_text([text for texts in prompts for text in texts])
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        return features.reshape(len(prompts), -1, self.dim).mean(axis=1) if prompts else features

    def drop_text(self) -> "ClipEncoder":
        """Free the text tower, two fifths of the memory, and return self: only images can be encoded then."""
        for name in ("transformer", "token_embedding", "ln_final", "positional_embedding", "text_projection"):
            delattr(self.model, name)
        return self

    def prepare(self, image: Picture, box: np.ndarray | None = None, pad: float = 20) -> np.ndarray:
        """Return the network's input, (resolution, resolution, 3) uint8: the image, or the box in it grown.

        clip's own resizing (bicubic, the short side becomes `resolution`) and centre crop. It may run in
        other threads or processes than `encode_prepared`.
        """
        pixels = read_image(image)
        if box is not None:
            pixels = cut(pixels, grow_box(box, pixels.shape[1], pixels.shape[0], pad))
        return np.asarray(self._to_square(Image.fromarray(pixels)))

    @without_tf32()
    @torch.inference_mode()
    def encode_prepared(self, inputs: np.ndarray) -> np.ndarray:
        """Return (n, dim) features of n stacked inputs that `prepare` made, in one forward pass.

        Raises ValueError for another shape or type.
        """
        expected = (self.resolution, self.resolution, 3)
        if inputs.shape[1:] != expected or inputs.dtype != np.uint8:
            raise ValueError(
                f"expected inputs (n, *{expected}) of uint8, got {inputs.shape} of {inputs.dtype}"
            )
        pixels = torch.tensor(inputs).to(self.device).permute(0, 3, 1, 2).contiguous()
        return _to_numpy(self.model.encode_image(self._normalise(pixels.float().div_(255))))

    def _crops(
        self, images: Sequence[Picture], boxes: np.ndarray, pad: float
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each person's position and input, all people of an image together."""
        for people in group_by_image(images):
            pixels = read_image(images[people[0]])
            yield from ((person, self.prepare(pixels, boxes[person], pad)) for person in people)

    def _encode_views(self, views: Iterable[tuple[int, np.ndarray]], count: int) -> np.ndarray:
        """Encode inputs as they come, `batch_size` at a time, each into the row of its position."""
        features = np.empty((count, self.dim), dtype=np.float32)
        views = iter(views)
        while batch := list(islice(views, self.batch_size)):
            positions, inputs = zip(*batch, strict=True)
            features[list(positions)] = self.encode_prepared(np.stack(inputs))
        return features

    def _tokenize(self, texts: list[str]) -> Tensor:
        try:
            tokens = openai.tokenize(texts, context_length=self.model.context_length)
        except RuntimeError as error:  # "Input … is too long for context length 77"
            raise ValueError(f"{error}; shorten the text") from None
        if tokens.max() >= self.model.vocab_size:
            raise ValueError(
                f"clip's tokenizer has words up to number {int(tokens.max())}, the weights {self.path} only "
                f"{self.model.vocab_size} words: use weights trained with that tokenizer"
            )
        return tokens[:, : tokens.argmax(dim=1).max() + 1]

    @torch.inference_mode()
    def _encode_tokens(self, tokens: Tensor) -> np.ndarray:
        return _to_numpy(self.model.encode_text(tokens.to(self.device)))


def use_dtype(model: CLIP, dtype: torch.dtype) -> CLIP:
    """Convert a CLIP's matrices in place; norms and embeddings stay in float32, as clip has it."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.MultiheadAttention):
            module.to(dtype)
    for owner, name in ((model, "text_projection"), (model.visual, "proj")):
        if hasattr(owner, name):
            getattr(owner, name).data = getattr(owner, name).data.to(dtype)
    return model


def _to_numpy(features: Tensor) -> np.ndarray:
    return features.float().cpu().numpy()
