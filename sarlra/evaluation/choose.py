"""Which event of a catalogue is meant, and which of its items count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sarlra.catalog.versions import current_of, lineages
from sarlra.errors import InputError

Document = dict[str, Any]


def choose_event(collections: Iterable[str], wanted: str | None) -> str:
    """The id of the event to evaluate: the one wanted, or the only one.

    Raises
    ------
    InputError
        It is not there, or there are several; the message lists them.
    """
    names = sorted(collections)
    listed = ", ".join(names) or "none"
    if wanted is not None:
        if wanted not in names:
            raise InputError(f"there is no event {wanted!r}", hint=f"the catalogue has {listed}")
        return wanted
    if len(names) != 1:
        raise InputError(
            f"the catalogue has {len(names)} events: {listed}", hint="name one with --event"
        )
    return names[0]


def current_items(collection: Mapping[str, Any], items: Iterable[Document]) -> list[Document]:
    """The items of an event that its merged detections are made of: of each tile and track the
    current version.
    """
    named = collection.get("sarlra:current")
    current = named if isinstance(named, list) else None
    return current_of(lineages(items, current), current)
