"""Where the weights of the pose models that a profile names besides HigherHRNet come from.

Command: `python -m lib.pose_weights [vcoco] [--mirror URL]` is `python -m lib.download`, and gets these too,
some 300 MB.
"""

import sys
from dataclasses import replace

from lib.download import Catalogue, main, vcoco_catalogue
from lib.fetch import RemoteFile
from lib.profiles import Profile

HOSTS = ("https://download.openmmlab.com/", "https://openmmlab.oss-cn-hangzhou.aliyuncs.com/")
TOP_DOWN = "mmpose/v1/body_2d_keypoint/topdown_heatmap/coco/"
# model: folder, file, and the first digits of its sha256, by which MMPose names it
# fmt: off
FILES = {
    "hrnet_w32": (TOP_DOWN, "td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909.pth", "81c58e40"),
    "simple_baseline": (TOP_DOWN, "td-hm_res50_8xb64-210e_coco-256x192-04af38ce_20220923.pth", "04af38ce"),
    "rtmpose": (
        "mmpose/v1/projects/rtmposev1/",
        "rtmpose-m_simcc-coco_pt-aic-coco_420e-256x192-d8dd5ca4_20230127.pth", "d8dd5ca4",
    ),
}
# fmt: on


def catalogue(profile: Profile) -> Catalogue:
    """List the sources of `vcoco_catalogue`, and of every pose model that the profile names."""
    models = []
    for model, path in profile.pose_models.items():
        folder, name, sha256 = FILES[model]
        models.append((RemoteFile(path, tuple(host + folder + name for host in HOSTS), None, sha256),))
    listed = vcoco_catalogue(profile)
    return replace(listed, weights=(*listed.weights, *models))


if __name__ == "__main__":
    sys.exit(main(catalogue=catalogue))
