"""Which items are of the same place and track, and which of them is the current one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sarlra.errors import CatalogError

Document = dict[str, Any]


def lineages(
    documents: Iterable[Document], current: Collection[str] | None
) -> dict[tuple[str, str], list[Document]]:
    """Items by (tile, track), oldest first, the current one last.

    Of one tile and track, the item with the later last acquisition is the newer one, then the one
    with more acquisitions, then the one with the greater id; an item in ``current`` is newer than
    all that are not. Items are never written again for this: the collection says which stand
    before which.

    Raises
    ------
    CatalogError
        ``current`` names two items of one tile and track.
    """
    named = frozenset(current or ())
    found: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for document in documents:
        properties = document["properties"]
        found[properties["sarlra:tile"], properties["sarlra:track"]].append(document)
    for place, members in found.items():
        members.sort(key=lambda document: (document["id"] in named, *_age(document)))
        if len(members) > 1 and members[-2]["id"] in named:
            raise CatalogError(
                f"{members[-2]['id']} and {members[-1]['id']} are versions of one tile and track "
                f"{'/'.join(place)}",
                hint="only one of them can be current",
            )
    return dict(sorted(found.items()))


def current_of(
    found: dict[tuple[str, str], list[Document]], current: Collection[str] | None
) -> list[Document]:
    """The items that a merged result is made of, by id: those named, or else the newest."""
    newest = [members[-1] for members in found.values()]
    chosen = [d for d in newest if current is None or d["id"] in frozenset(current)]
    return sorted(chosen, key=lambda document: str(document["id"]))


def _age(document: Document) -> tuple[str, int, str]:
    properties = document["properties"]
    count = properties["sarlra:n_pre"] + properties["sarlra:n_post"]
    # Without the Z, texts with and without fractions of a second order as the times do.
    return (properties["end_datetime"].removesuffix("Z"), count, document["id"])
