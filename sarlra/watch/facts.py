"""What a version says of the tracks that went into it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sarlra.catalog.verdicts import verdicts_in
from sarlra.composites.quality import kept_track
from sarlra.events.times import iso
from sarlra.scenes.model import Slice
from sarlra.watch.buffers import Choice
from sarlra.watch.versions import Document


def track_facts(choice: Choice, source: str, tiles: Sequence[Document]) -> dict[str, Any]:
    """What a version says of a track.

    Parameters
    ----------
    source
        Name of the source.
    tiles
        The items that the version is made of: they say which acquisitions were rejected.

    Returns
    -------
    ``n_pre`` and ``n_post`` count what was used; ``pre`` and ``post`` have all acquisitions of the
    windows, with digests that tell replaced scenes from the ones before; ``rejected`` says in words
    what became of those that were.
    """
    track = choice.track
    mine = [d for d in tiles if d["properties"]["sarlra:track"] == track.id]
    verdicts = {q.acquisition: q for document in mine for q in verdicts_in(document)}
    used = kept_track(track, tuple(verdicts.values()))
    acquisitions = {a.id for a in (*track.pre, *track.post)}
    return {
        "track": track.id,
        "buffers": choice.name,
        "expected_f1": choice.expected,
        "rule": choice.rule,
        "n_pre": len(used.pre),
        "n_post": len(used.post),
        "noise": "high: one image after the event" if len(used.post) == 1 else "usual",
        "pre": {a.id: _digest(a.slices) for a in track.pre},
        "post": {a.id: _digest(a.slices) for a in track.post},
        "rejected": {
            name: f"{'used all the same' if q.kept else 'left out'}: {'; '.join(q.reasons)}"
            for name, q in sorted(verdicts.items())
            if q.verdict == "reject" and name in acquisitions
        },
        "source": source,
    }


def _digest(parts: Sequence[Slice]) -> str:
    told = [[p.item_id, p.processed and iso(p.processed), sorted(p.assets)] for p in parts]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
