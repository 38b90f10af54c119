"""What MMPose imports of xtcocotools, which has no wheel for Python 3.12 or numpy 2, from pycocotools."""
