"""COCO's evaluation, with the two arguments more that MMPose's metrics give to xtcocotools."""

import numpy as np
from pycocotools import cocoeval


class COCOeval(cocoeval.COCOeval):
    """Evaluate as pycocotools does; `sigmas` (joints,) take the place of COCO's own for OKS."""

    def __init__(self, cocoGt=None, cocoDt=None, iouType="keypoints", sigmas=None, use_area=True):
        if not use_area:
            raise NotImplementedError("pycocotools measures people by their annotated area only")
        super().__init__(cocoGt, cocoDt, iouType)
        if sigmas is not None:
            self.params.kpt_oks_sigmas = np.asarray(sigmas)
