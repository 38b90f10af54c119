"""CLIP's numbers of images, of people and of words: `ClipEncoder`."""

from lib.clip_features.encoder import ClipEncoder
from lib.clip_features.prompts import PHRASES, TEMPLATES, prompts_for

__all__ = ["PHRASES", "TEMPLATES", "ClipEncoder", "prompts_for"]
