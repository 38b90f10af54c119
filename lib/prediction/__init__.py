"""What people do in any images: a saved model with its card, people found or given, pictures and tables."""

from lib.prediction.images import find_images
from lib.prediction.people import find_unknown, label_boxes, match_boxes, read_boxes
from lib.prediction.results import ImageResult, Person, find_truth, tabulate_people
from lib.prediction.runs import NO_POSE, predict_images
from lib.prediction.saved import (
    ActionModel,
    ModelCard,
    list_models,
    load_action_model,
    load_profile_model,
    save_action_model,
)

__all__ = [
    "NO_POSE",
    "ActionModel",
    "ImageResult",
    "ModelCard",
    "Person",
    "find_images",
    "find_truth",
    "find_unknown",
    "label_boxes",
    "list_models",
    "load_action_model",
    "load_profile_model",
    "match_boxes",
    "predict_images",
    "read_boxes",
    "save_action_model",
    "tabulate_people",
]
