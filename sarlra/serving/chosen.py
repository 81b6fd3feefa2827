"""Which items of an event are shown: the current ones, or those that stood at a moment."""

from __future__ import annotations

from collections.abc import Collection

from sarlra.catalog.versions import lineages
from sarlra.errors import InputError
from sarlra.serving.query import moment
from sarlra.serving.results import Entry, Results


def chosen(
    results: Results,
    event: str,
    as_of: str | None = None,
    tracks: Collection[str] = (),
) -> list[Entry]:
    """Items of an event, one per tile and track, by id.

    Parameters
    ----------
    as_of
        RFC 3339: of each tile and track the newest item whose last acquisition is not later;
        None takes those that the collection says are current.
    tracks
        Only these, such as ``T046D``; all if empty.

    Raises
    ------
    InputError
        There is no such event, or the moment is none.
    """
    collection = results.collections.get(event)
    if collection is None:
        raise InputError(f"there is no event {event}")
    current = collection.document.get("sarlra:current")
    named = frozenset(current) if isinstance(current, list) else frozenset()
    entries = {n: e for n, e in results.items.items() if e.document["collection"] == event}
    if as_of is None:
        found = [n for n in entries if n in named]
    else:
        until = moment(as_of)
        found = []
        for members in lineages([e.document for e in entries.values()], named).values():
            past = [m for m in members if moment(m["properties"]["datetime"]) <= until]
            found += [str(past[-1]["id"])] if past else []
    kept = [entries[name] for name in sorted(found)]
    return [e for e in kept if not tracks or e.document["properties"]["sarlra:track"] in tracks]
