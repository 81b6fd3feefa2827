"""The control of acquisitions in scans: by cell and track, whatever the tiles, on any worker.

What a verdict depends on (the ground of the cell, and all that the cell has of a track) does not
depend on how the cell is cut into tiles or on who judges, and is in the identity of each job.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon

from sarlra.composites.quality import Quality, keep_a_product
from sarlra.errors import JobsFailedError, SarlraError
from sarlra.events.geometry import SEGMENT_DEG, transformer
from sarlra.jobs.job import Job, Outcome, failed_outcome
from sarlra.jobs.pool import Patience, first_done, workers
from sarlra.jobs.quality import Judging, judge_patiently
from sarlra.jobs.tiles import area_in_zone
from sarlra.recipe import Recipe
from sarlra.scan.cells import CELL_PX, Cell
from sarlra.scan.planned import PlannedCell
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.scenes.polarisations import slices_of
from sarlra.scenes.signing import SigningPolicy
from sarlra.settings import cluster_settings, resources_of

Verdicts = tuple[Quality, ...] | SarlraError


def judging_in(
    cell: Cell, track: Track, area: MultiPolygon, recipe: Recipe, signing: SigningPolicy | None
) -> Judging | None:
    """How the acquisitions of a track are judged in a cell; None where they are not."""
    if not recipe.quality:
        return None
    size, halo = CELL_PX * recipe.resolution, recipe.halo_px * recipe.resolution
    left, bottom = cell.column * size, cell.row * size
    square = shapely.box(left, bottom - halo, left + size + halo, bottom + size)
    ground = shapely.intersection(area_in_zone(area, cell.epsg), square)
    if not shapely.area(ground) > 0:
        ground = square
    # Windows reach beyond the area by as much as they are wide.
    near = shapely.buffer(ground, 2.0 * recipe.window_px * recipe.resolution)
    slices = slices_of(track)
    meets = shapely.intersects(outlines_in(slices, cell.epsg), near)
    own = restricted(track, {id(s) for s, hit in zip(slices, meets, strict=True) if hit})
    if not (own.pre and own.post):
        return None
    return Judging(own, ground, cell.epsg, recipe, signing)


def outlines_in(slices: Sequence[Slice], epsg: int) -> npt.NDArray[np.object_]:
    """Footprints as by :func:`sarlra.events.geometry.to_utm`, many at once."""
    project = transformer(4326, epsg).transform
    cut = shapely.segmentize(np.array([s.geometry for s in slices], dtype=object), SEGMENT_DEG)
    moved: npt.NDArray[np.object_] = shapely.transform(cut, project, interleaved=False)
    return moved


def restricted(track: Track, wanted: Set[int]) -> Track:
    """The track with those slices (by identity) and the acquisitions that have any of them."""

    def side(acquisitions: tuple[Acquisition, ...]) -> tuple[Acquisition, ...]:
        reduced = ((a, tuple(s for s in a.slices if id(s) in wanted)) for a in acquisitions)
        return tuple(replace(a, slices=parts) for a, parts in reduced if parts)

    return replace(track, pre=side(track.pre), post=side(track.post))


class Judge:
    """Gives the jobs of cells their verdicts, judged in this process or on a dask client.

    ``lost`` takes the outcomes (``failed``) of jobs whose acquisitions cannot be judged.
    """

    def __init__(self, client: Any = None) -> None:
        self.lost: list[Outcome] = []
        self._client = client
        self._asked: dict[tuple[str, str, str], Any] = {}
        self._gone: JobsFailedError | None = None

    def ahead(self, cells: Iterable[PlannedCell]) -> Iterator[PlannedCell]:
        """The cells, each given out when enough of those after it were asked for."""
        waiting: deque[PlannedCell] = deque()
        for cell in cells:
            self._ask(cell)
            waiting.append(cell)
            if self._client is None or len(self._asked) > max(1, workers(self._client)):
                yield waiting.popleft()
        yield from waiting

    def jobs(self, cell: PlannedCell) -> Iterator[Job]:
        """The jobs of a cell that have to run, with the verdicts on what they read."""
        found = {key: self._answer(cell, key) for key in cell.judgings}
        for job in cell.todo:
            verdicts = found.get((job.track.id, job.version), ())
            if isinstance(verdicts, SarlraError):
                self.lost.append(failed_outcome(job, verdicts, 0.0))
            else:
                yield replace(job, quality=_own(verdicts, job.track))

    def _ask(self, cell: PlannedCell) -> None:
        if self._client is None:
            return
        settings = cluster_settings()
        wanted = resources_of(settings.read_resources) or resources_of(settings.resources) or None
        for key, work in cell.judgings.items():
            self._asked[(cell.name, *key)] = self._client.submit(
                judge_patiently, work, pure=False, priority=1, resources=wanted
            )

    def _answer(self, cell: PlannedCell, key: tuple[str, str]) -> Verdicts:
        if self._client is None:
            return judge_patiently(cell.judgings[key])
        future = self._asked.pop((cell.name, *key))
        try:
            return self._wait(future)
        finally:
            future.release()

    def _wait(self, future: Any) -> Verdicts:
        """What a worker said; an error where it broke, or where no worker is left to say it."""
        patience = Patience(self._client, cluster_settings().alone_s)
        while self._gone is None and not first_done([future]):
            try:
                patience.look(done=False)
            except JobsFailedError as alone:
                self._gone = alone
        if self._gone is not None:
            return self._gone
        error = future.exception()
        if error is None:
            answer: Verdicts = future.result()
            return answer
        return JobsFailedError(
            f"the acquisitions could not be judged: {type(error).__name__}: {error}",
            hint="see the worker's log; --no-quality does without",
        )


def _own(verdicts: tuple[Quality, ...], track: Track) -> tuple[Quality, ...]:
    """Those on the acquisitions of a tile, of which something has to be left on both sides."""
    names = {a.id for a in (*track.pre, *track.post)}
    return keep_a_product([q for q in verdicts if q.acquisition in names])
