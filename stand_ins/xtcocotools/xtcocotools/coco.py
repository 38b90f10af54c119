"""The annotations of COCO."""

from pycocotools.coco import COCO

__all__ = ["COCO"]
