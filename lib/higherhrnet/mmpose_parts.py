"""The parts of MMPose 1.x that are used here, importable without mmcv's compiled operators and mmdet."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType


@contextmanager
def optional_modules_placeholder() -> Iterator[None]:
    """Let `import mmpose.models` pass where mmcv's compiled operators or mmdet are absent.

    MMPose needs them for EDPose, DEKR and RTMO only, but imports them always. A module that does import is
    left alone; for one that does not, a placeholder stands in until the block ends, whose every name raises
    on use.
    """
    absent = [name for name in ("mmcv.ops", "mmdet.utils") if not _can_import(name)]
    names = {part for name in absent for part in (name, name.split(".")[0]) if part not in sys.modules}
    sys.modules.update({name: _placeholder(name) for name in names})
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Fail to import ``MultiScaleDeformableAttention``")
            yield
    finally:
        for name in names:
            del sys.modules[name]


def _can_import(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True


def _placeholder(module_name: str) -> ModuleType:
    """Make a module whose every name is a class that raises ImportError when it is used."""

    def missing(name: str) -> type:
        """Return a class for any name that an import asks for."""
        if name.startswith("__"):  # Python's own questions, such as __path__
            raise AttributeError(name)

        def refuse(*_: object, **__: object) -> None:
            """Raise ImportError: somebody makes an object of the class."""
            raise ImportError(
                f"{module_name}.{name} is not installed: EDPose, DEKR and RTMO need full mmcv and mmdet"
            )

        return type(name, (), {"__init__": refuse})

    module = ModuleType(module_name)
    module.__getattr__ = missing  # type: ignore[method-assign]  # a module's own, as PEP 562 has it
    return module


with optional_modules_placeholder():
    from mmcv.cnn import fuse_conv_bn
    from mmengine.structures import InstanceData
    from mmpose.codecs.associative_embedding import AssociativeEmbedding
    from mmpose.codecs.utils import batch_heatmap_nms
    from mmpose.models.backbones.resnet import BasicBlock
    from mmpose.models.heads.base_head import BaseHead
    from mmpose.models.losses import KeypointMSELoss
    from mmpose.registry import KEYPOINT_CODECS, MODELS
    from mmpose.utils.tensor_utils import to_numpy

__all__ = [
    "KEYPOINT_CODECS",
    "MODELS",
    "AssociativeEmbedding",
    "BaseHead",
    "BasicBlock",
    "InstanceData",
    "KeypointMSELoss",
    "batch_heatmap_nms",
    "fuse_conv_bn",
    "to_numpy",
]
