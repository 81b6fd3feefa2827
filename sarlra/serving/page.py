"""The list: what there is and where to get it; plain HTML, no script, nothing from afar."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import quote

from sarlra.serving.index import Index
from sarlra.serving.links import absolute
from sarlra.serving.live import Reading
from sarlra.serving.query import Query
from sarlra.serving.results import Entry
from sarlra.serving.viewer import HOW_TO_BUILD

#: Items listed of one collection; the API has all.
LISTED = 200

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 0 auto; padding: 1rem; }
article { border-top: 1px solid; padding: 1rem 0; display: flex; flex-wrap: wrap; gap: 1rem; }
article > div { flex: 1 1 20rem; min-width: 0; overflow-wrap: anywhere; }
img { max-width: 18rem; width: 100%; height: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0; }
dd { margin: 0; }
a:focus-visible { outline: 3px solid; }
"""


def page(reading: Reading, has_map: bool) -> str:
    """The page as HTML; every text of the catalogue is escaped."""
    body = "".join(
        _collection(entry, reading.index) for entry in reading.results.collections.values()
    )
    way = (
        '<a href="./">map</a> · '
        if has_map
        else f"<strong>The map page is not built: {escape(HOW_TO_BUILD)}.</strong> "
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>Possible landslides after earthquakes</title>"
        f"<style>{_STYLE}</style></head><body><header>"
        "<h1>Possible landslides after earthquakes, from Sentinel-1 radar</h1>"
        "<p>Windows where the radar changed as it does where slopes fail. Scores rank windows; "
        "they are no probabilities. Where the radar could not see, nothing is found: that is not "
        "the same as no landslide.</p>"
        f'<nav aria-label="Data">{way}<a href="stac/">STAC API</a> · '
        f'<a href="assets/catalog.json">static catalogue</a></nav></header><main>'
        f"{body or '<p>There is no event yet.</p>'}</main></body></html>"
    )


def _collection(entry: Entry, index: Index) -> str:
    document = entry.document
    identifier = str(document["id"])
    query = Query(collections=frozenset({identifier}), limit=LISTED)
    found = index.search(query)
    current = document.get("sarlra:current")
    names = frozenset(current) if isinstance(current, list) else frozenset()
    more = (
        f"<p>The newest {LISTED} of {found.matched} items; "
        f'<a href="stac/collections/{quote(identifier)}/items">all</a>.</p>'
        if found.following is not None
        else ""
    )
    items = "".join(
        _item(
            item,
            item.document["id"] in names or item.document["properties"].get("deprecated") is False,
        )
        for item in found.entries
    )
    about = f"<p>{escape(str(document['description']))}</p>" if "sarlra:watch" in document else ""
    label = f"event-{quote(identifier)}"
    return (
        f'<section aria-labelledby="{label}"><h2 id="{label}">'
        f"{escape(str(document.get('title') or identifier))}</h2>"
        f"{about}<p>{_downloads(entry)}</p>{more}{items}</section>"
    )


def _item(entry: Entry, current: bool) -> str:
    document = entry.document
    properties = document["properties"]
    title = str(properties.get("title") or document["id"])
    assets = document["assets"]
    picture = _href(assets.get("quicklook", assets.get("overview")), entry)
    image = (
        f'<a href="{picture}"><img loading="lazy" src="{picture}" '
        f'alt="Detected windows over the change image: {escape(title)}"></a>'
        if picture
        else ""
    )
    facts = "".join(f"<dt>{escape(n)}</dt><dd>{escape(str(v))}</dd>" for n, v in _facts(properties))
    state = "" if current else "<p><strong>Superseded by a newer version.</strong></p>"
    return (
        f"<article>{image}<div><h3>{escape(title)}</h3>{state}<dl>{facts}</dl>"
        f"<p>{_downloads(entry)}</p></div></article>"
    )


def _facts(properties: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "as of", properties["datetime"]
    if "sarlra:statistics" not in properties:  # a version of a watched event
        for name, value in properties.get("sarlra:numbers", {}).items():
            yield str(name).replace("_", " "), value
        yield "why", "; ".join(str(reason) for reason in properties.get("sarlra:why", ()))
        return
    numbers = properties["sarlra:statistics"]
    yield "detections", numbers["detections"]
    yield "windows scored", f"{numbers['scored']} of {numbers['windows']}"
    yield "highest score", numbers.get("max_score")
    before, after = properties["sarlra:n_pre"], properties["sarlra:n_post"]
    yield "acquisitions", f"{before} before, {after} after"
    yield "model", properties["sarlra:model"]
    yield "version", properties["version"]


def _downloads(entry: Entry) -> str:
    links = [f'<a href="{_served(entry.path)}">item or collection (JSON)</a>']
    for key, asset in sorted(entry.document.get("assets", {}).items()):
        href = _href(asset, entry)
        if href is not None and key != "composite":
            links.append(f'<a href="{href}">{escape(str(asset.get("title") or key))}</a>')
    return " · ".join(links)


def _href(asset: Any, entry: Entry) -> str | None:
    href = absolute(asset.get("href"), entry.path, "assets") if isinstance(asset, dict) else None
    return None if href is None else escape(href, quote=True)


def _served(path: str) -> str:
    return escape(f"assets/{quote(path)}", quote=True)
