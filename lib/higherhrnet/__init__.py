"""HigherHRNet for MMPose 1.x: network and loss, associative embedding, checkpoints of MMPose 0.x.

Importing it registers `AEHigherResolutionHead` and `HigherHRNetCodec` with MMPose.
"""

from lib.higherhrnet.associative_embedding import HigherHRNetCodec, People
from lib.higherhrnet.model import build_higherhrnet, higherhrnet_config, load_higherhrnet, save_higherhrnet

__all__ = [
    "HigherHRNetCodec",
    "People",
    "build_higherhrnet",
    "higherhrnet_config",
    "load_higherhrnet",
    "save_higherhrnet",
]
