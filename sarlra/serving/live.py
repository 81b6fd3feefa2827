"""The catalogue as it stands now: read again when runs, folds or withdrawals have changed it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sarlra.catalog.names import ROOT
from sarlra.errors import SarlraError
from sarlra.serving.index import Index
from sarlra.serving.place import FolderPlace, Place
from sarlra.serving.results import Results, read_results

log = logging.getLogger(__name__)

#: Seconds between two looks at a folder, and at an object store.
FOLDER_S, REMOTE_S = 2.0, 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One reading of the catalogue: results, their index, and how many readings there were."""

    results: Results
    index: Index
    number: int


class Live:
    """Hands out the newest reading; requests that began with an older one finish with it."""

    def __init__(self, results: Results) -> None:
        self._seen = fingerprint(results)
        self._now = Reading(results, Index(results), 1)

    @property
    def now(self) -> Reading:
        """The newest reading."""
        return self._now

    @property
    def results(self) -> Results:
        """Those of the newest reading."""
        return self._now.results

    def refresh(self) -> bool:
        """Read again if a collection or the root has changed; whether that was so.

        A catalogue that cannot be read just now, such as in the midst of a fold, leaves the last
        reading; it is tried again at the next look.
        """
        seen = fingerprint(self._now.results)
        if seen == self._seen:
            return False
        try:
            results = read_results(self._now.results.place)
        except SarlraError as error:
            log.warning("the catalogue changed and cannot be read: %s", error.message)
            return False
        self._now = Reading(results, Index(results), self._now.number + 1)
        self._seen = fingerprint(results)
        return True

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look for changes in a thread of its own until the block ends."""
        stop = threading.Event()
        pause = FOLDER_S if isinstance(self.results.place, FolderPlace) else REMOTE_S

        def look() -> None:
            while not stop.wait(pause):
                try:
                    self.refresh()
                except Exception:  # the next look may go well
                    log.warning("looking for changes failed", exc_info=True)

        thread = threading.Thread(target=look, name="sarlra-refresh", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(5)


def fingerprint(results: Results) -> tuple[tuple[str, str], ...]:
    """The state of the root and of each collection: a fold writes them last."""
    paths = [ROOT, *(entry.path for entry in results.collections.values())]
    return tuple((path, _state(results.place, path)) for path in paths)


def _state(place: Place, path: str) -> str:
    try:
        return f"{place.size(path)} {place.state(path)}"
    except SarlraError:
        return ""
