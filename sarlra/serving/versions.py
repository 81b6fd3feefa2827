"""Items as a shared API is to hold them: which version stands, which it took the place of."""

from __future__ import annotations

from sarlra.catalog.versions import lineages
from sarlra.serving.links import with_assets_at
from sarlra.serving.results import Document, Results


def published(results: Results, collection: str, assets_url: str, api: str) -> list[Document]:
    """The items of a collection, absolute, with the links and flags of the version extension.

    Of one tile and track the current item links its predecessor (``predecessor-version``); the
    others are ``deprecated`` and link their ``successor-version`` and the ``latest-version``.

    Parameters
    ----------
    api
        URL of the API that will hold them, without a slash at the end.
    """
    entries = {
        name: entry
        for name, entry in results.items.items()
        if entry.document["collection"] == collection
    }
    current = results.collections[collection].document.get("sarlra:current")
    raw = [entry.document for entry in entries.values()]
    found: list[Document] = []
    for members in lineages(raw, current if isinstance(current, list) else None).values():
        names = [str(member["id"]) for member in members]
        for number, name in enumerate(names):
            document = with_assets_at(entries[name], assets_url)
            links = document["links"]
            if number > 0:
                links.append(_link("predecessor-version", api, collection, names[number - 1]))
            if number < len(names) - 1:
                document["properties"]["deprecated"] = True
                links.append(_link("successor-version", api, collection, names[number + 1]))
                links.append(_link("latest-version", api, collection, names[-1]))
            found.append(document)
    return sorted(found, key=lambda document: str(document["id"]))


def _link(rel: str, api: str, collection: str, item: str) -> dict[str, str]:
    href = f"{api}/collections/{collection}/items/{item}"
    return {"rel": rel, "href": href, "type": "application/geo+json"}
