"""Calls for notebooks and scripts: scenes, results, composites, detections, scores.

Thin on purpose: every call hands over to the station that does the work, and imports it only when
it is called, so that ``import sarlra.library`` is quick. docs/library.md shows them in use.
"""

from sarlra.library.catalogue import Catalogue, open_catalogue
from sarlra.library.results import Found, Result
from sarlra.library.scenes import find_scenes
from sarlra.library.scores import score_windows

__all__ = ["Catalogue", "Found", "Result", "find_scenes", "open_catalogue", "score_windows"]
