"""The literal way to extract features: one person, one image, one crop at a time."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from as_in_0x import people_as_in_0x
from PIL import Image
from torch import nn

from lib.crops import grow_box


def find_pose(network: nn.Module, crop: np.ndarray) -> np.ndarray:
    """Return the pose with the largest score, (17, 3) in pixels of the crop; NaN where nobody is found."""
    people, scores = people_as_in_0x(network, crop)
    return people[scores.argmax()] if len(people) else np.full((17, 3), np.nan)


@torch.inference_mode()
def encode(model: nn.Module, preprocess: object, image: Image.Image) -> np.ndarray:
    """Return CLIP's numbers of one image."""
    return model.encode_image(preprocess(image)[None])[0].float().numpy()


def extract(
    people: pd.DataFrame, images: Path, model: nn.Module, preprocess: object, network: nn.Module
) -> pd.DataFrame:
    """Return CLIP of the image and of the crop, and pose, 512 + 512 + 51 numbers a person."""
    rows = {}
    for person in people.itertuples():
        image = Image.open(images / person.file_name).convert("RGB")
        x, y, w, h = grow_box((person.x, person.y, person.w, person.h), *image.size)
        crop = image.crop((x, y, x + w, y + h))
        clips = [encode(model, preprocess, picture) for picture in (image, crop)]
        rows[person.Index] = np.concatenate([*clips, find_pose(network, np.asarray(crop)).ravel()])
    return pd.DataFrame.from_dict(rows, orient="index")
