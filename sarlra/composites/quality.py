"""What becomes of an acquisition that was held against its stack: used, corrected, or left out.

The limits are stated here, in one place; :mod:`sarlra.composites.measures` takes the measures and
``docs/quality.md`` has the table of what they catch and what they cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sarlra.composites.corrections import Correction
from sarlra.scenes.model import Acquisition, Track

Verdict = Literal["accept", "correct", "reject"]

#: Shifts over this, in pixels of the scene, are corrected; good scenes agree to 0.1.
SHIFT_PX = 0.2
#: Beyond this an image is no shifted one but another one: it is left out.
LARGEST_SHIFT_PX = 6.0
#: Offsets over this, in dB, are corrected: the mission's calibration is good to 0.3 dB (1 sigma).
OFFSET_DB = 0.2
#: Beyond this, in dB, rain does not explain it either (a storm brightened dry ground by 6.7 dB).
LARGEST_OFFSET_DB = 10.0
#: Less of what the stack covers than this is not worth having.
LEAST_VALID = 0.01
#: Under this the missing part is worth a remark.
WHOLE = 0.9
#: Share of the land that is wet snow or flooded: said over the first, left out over the second.
SOME_DARK, MUCH_DARK = 0.05, 0.3
#: See :func:`sarlra.composites.stripes.stripe_score`; good scenes stay under 0.8.
STRIPES = 1.0
#: Share of pixels along a slice's edge that are below any radar's noise.
FRINGE = 0.02


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of an acquisition against the median of the others of its track.

    Parameters
    ----------
    n_reference
        Acquisitions that it was compared with.
    shift_px
        (rows, columns) by which it lies beside the others, down and right, in pixels of the target
        grid; None where the ground has too little structure to tell.
    scene_px
        Edge of a pixel of the scene in pixels of the target grid.
    offset_db
        (polarisation, dB): median of the difference on land.
    valid_share
        Of the pixels that most of the others have.
    compared
        Whether a place where it was looked at lies within its footprint.
    snow_share, flood_share
        Of the land; see :mod:`sarlra.composites.darkening`.
    stripes
        See :func:`sarlra.composites.stripes.stripe_score`; 1 is the limit.
    fringe_share
        Largest over its slices.
    """

    n_reference: int
    shift_px: tuple[float, float] | None = None
    scene_px: float = 1.0
    offset_db: tuple[tuple[str, float], ...] = ()
    valid_share: float = 1.0
    compared: bool = True
    snow_share: float = 0.0
    flood_share: float = 0.0
    stripes: float = 0.0
    fringe_share: float = 0.0

    @property
    def shift_scene_px(self) -> float:
        """Length of the shift in pixels of the scene; 0 where it is not known."""
        if self.shift_px is None:
            return 0.0
        rows, cols = self.shift_px
        return float((rows**2 + cols**2) ** 0.5) / self.scene_px


@dataclass(frozen=True, slots=True)
class Quality:
    """The verdict on an acquisition, with the reasons in words; ``post`` is its side."""

    acquisition: str
    post: bool
    verdict: Verdict
    reasons: tuple[str, ...]
    measures: Measures
    correction: Correction = field(default_factory=Correction)
    kept: bool = True


def judge(acquisition: Acquisition, post: bool, measures: Measures, erode_px: int) -> Quality:
    """Reject what cannot be mended, correct what can, accept the rest.

    Parameters
    ----------
    erode_px
        By how many pixels the edges of a fringed acquisition are eroded.
    """
    correction, said = _mend(measures, erode_px)
    if bad := _faults(measures):
        # Should it have to be used all the same, what can be mended is.
        return Quality(acquisition.id, post, "reject", tuple(bad), measures, correction, kept=False)
    verdict: Verdict = "correct" if said else "accept"
    return Quality(
        acquisition.id, post, verdict, (*said, *_remarks(measures)), measures, correction
    )


def _mend(measures: Measures, erode_px: int) -> tuple[Correction, list[str]]:
    """What can be put right, and in words."""
    said: list[str] = []
    correction = Correction()
    moved = SHIFT_PX < measures.shift_scene_px <= LARGEST_SHIFT_PX
    if measures.shift_px is not None and moved:
        rows, cols = measures.shift_px
        correction = replace(correction, shift_px=(round(rows, 2), round(cols, 2)))
        said.append(
            f"lies {measures.shift_scene_px:.1f} pixels beside its stack: moved by "
            f"{-rows:+.2f} rows, {-cols:+.2f} columns"
        )
    far = [(pol, round(db, 2)) for pol, db in measures.offset_db if abs(db) > OFFSET_DB]
    if far:
        correction = replace(correction, offset_db=tuple(far))
        listed = ", ".join(f"{pol} {db:+.2f} dB" for pol, db in far)
        said.append(f"differs from its stack by {listed}: taken off")
    if measures.fringe_share > FRINGE:
        correction = replace(correction, fringe=erode_px)
        said.append(f"has fringes of near zero along its edges: eroded by {erode_px} pixels")
    return correction, said


def _faults(measures: Measures) -> list[str]:
    found: list[str] = []
    if measures.shift_scene_px > LARGEST_SHIFT_PX:
        found.append(f"lies {measures.shift_scene_px:.1f} pixels beside its stack")
    found += [
        f"differs from its stack by {pol} {db:+.1f} dB"
        for pol, db in measures.offset_db
        if abs(db) > LARGEST_OFFSET_DB
    ]
    if measures.compared and measures.valid_share < LEAST_VALID:
        found.append(f"has data on {measures.valid_share:.1%} of what its stack covers")
    if measures.snow_share > MUCH_DARK:
        found.append(f"wet snow on {measures.snow_share:.0%} of the land")
    if measures.flood_share > MUCH_DARK:
        found.append(f"flooding on {measures.flood_share:.0%} of the land")
    if measures.stripes > STRIPES:
        found.append("interference: bright stripes across the track")
    return found


def _remarks(measures: Measures) -> list[str]:
    found: list[str] = []
    if measures.n_reference == 0 or not measures.compared:
        found.append("nothing to compare it with")
    if LEAST_VALID <= measures.valid_share < WHOLE:
        found.append(f"has data on {measures.valid_share:.0%} of what its stack covers")
    for name, share in (("wet snow", measures.snow_share), ("flooding", measures.flood_share)):
        if SOME_DARK < share <= MUCH_DARK:
            found.append(f"{name} on {share:.0%} of the land")
    return found


def keep_a_product(qualities: Sequence[Quality]) -> tuple[Quality, ...]:
    """Where all of one side were rejected, keep them all the same, and say so.

    A map made of a doubtful image, marked as such, is worth more at three in the morning than none.
    """
    result = list(qualities)
    for post in (False, True):
        ours = [i for i, q in enumerate(result) if q.post is post]
        if ours and not any(result[i].kept for i in ours):
            for i in ours:
                said = (*result[i].reasons, "used all the same: there is no other")
                result[i] = replace(result[i], kept=True, reasons=said)
    return tuple(result)


def kept_track(track: Track, qualities: Sequence[Quality]) -> Track:
    """The track without the acquisitions that are left out."""
    lost = {q.acquisition for q in qualities if not q.kept}
    return replace(
        track,
        pre=tuple(a for a in track.pre if a.id not in lost),
        post=tuple(a for a in track.post if a.id not in lost),
    )


def rejections(qualities: Sequence[Quality]) -> Iterator[str]:
    """What is to be said of acquisitions that were rejected."""
    for one in qualities:
        if one.verdict == "reject":
            what = "used" if one.kept else "left out"
            yield f"acquisition {one.acquisition} rejected, {what}: {'; '.join(one.reasons)}"


def corrections_of(qualities: Sequence[Quality]) -> dict[str, Correction]:
    """What to correct, by acquisition id."""
    return {q.acquisition: q.correction for q in qualities if q.correction != Correction()}
