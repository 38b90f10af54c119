"""Gets what a profile needs: label files, COCO's annotations, the images of the labels, encoder weights.

Every file is verified once and never fetched again; a second run goes on where the first stopped. What the
user put in place by hand counts. Command: `python -m lib.download [vcoco] [--mirror URL]`.
"""

from lib.download.profile import download
from lib.download.sources import Catalogue, read_catalogue

__all__ = ["Catalogue", "download", "read_catalogue"]
