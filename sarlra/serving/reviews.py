"""Reviews over HTTP: read by anyone, written with a token, and only where that was asked for."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from starlette.responses import JSONResponse

from sarlra.catalog.review import MAX_NAME, MAX_TEXT, Review, Verdict
from sarlra.catalog.reviews import add_review, current_reviews, read_reviews
from sarlra.errors import InputError, SarlraError
from sarlra.serving.downloads import Shown, detections_of
from sarlra.serving.live import Live
from sarlra.serving.results import Results

#: Shorter tokens could be guessed.
SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """Where reviews lie, and the token with which they are written; None: they are only read."""

    folder: Path
    token: str | None = None

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise InputError(
                f"a token for reviews has at least {SHORTEST_TOKEN} characters",
                hint="set SARLRA_REVIEW_TOKEN to a long random text",
            )


class Draft(BaseModel):
    """A review as a page or a file hands it in."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    detection: Annotated[str, Field(max_length=100)]
    verdict: Verdict
    reviewer: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    reason: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    as_of: Annotated[str | None, Field(max_length=40)] = None
    outline: dict[str, Any] | None = None


def make_review(results: Results, event: str, draft: Draft, at: datetime) -> Review:
    """A draft with what the catalogue knows of its detection.

    Raises
    ------
    InputError
        There is no such detection, or the outline is no geometry.
    """
    table = detections_of(results, event, Shown(as_of=draft.as_of))
    rows = table[table["id"] == draft.detection]
    if rows.empty:
        raise InputError(f"event {event} has no detection {draft.detection!r:.100}")
    row = rows.iloc[0]
    return Review(
        event, draft.detection, str(row["item"]), draft.verdict, draft.reviewer.strip(),
        draft.reason.strip(), at, row.geometry, _outline(draft.outline), float(row["score"]),
    )  # fmt: skip


def _outline(given: dict[str, Any] | None) -> BaseGeometry | None:
    if given is None:
        return None
    try:
        return shape(given)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError,
            shapely.errors.ShapelyError) as error:  # fmt: skip
        raise InputError("the outline is no GeoJSON geometry") from error


def as_feature(document: dict[str, Any]) -> dict[str, Any]:
    """A review as the page draws it."""
    properties = document["properties"]
    names = ("detection", "verdict", "reviewer", "reason")
    return {
        "type": "Feature",
        "id": document["id"],
        "geometry": document["geometry"],
        "properties": {
            **{name: properties[f"sarlra:{name}"] for name in names},
            "at": properties["datetime"],
            "version": properties["version"],
        },
    }


def reviews_router(live: Live, desk: ReviewDesk) -> APIRouter:
    """Routes of ``/reviews/EVENT``: GET the current ones, GET one item, POST a new one."""
    router = APIRouter(prefix="/reviews", tags=["Reviews"])

    def known(event: str) -> str:
        if event not in live.results.collections:
            raise HTTPException(404, f"there is no event {event}")
        return event

    @router.get("/{event}")
    def listed(event: str) -> JSONResponse:
        found = current_reviews(read_reviews(desk.folder, known(event)))
        collection = {"type": "FeatureCollection", "features": [as_feature(d) for d in found]}
        return JSONResponse(collection, headers={"Cache-Control": "no-cache"})

    @router.get("/{event}/{name}")
    def item(event: str, name: str) -> JSONResponse:
        for document in read_reviews(desk.folder, known(event)):
            if document["id"] == name:
                return JSONResponse(document, media_type="application/geo+json")
        raise HTTPException(404, f"there is no review {name}")

    if desk.token is None:
        return router
    secret = desk.token.encode()

    @router.post("/{event}", status_code=201)
    def add(
        event: str, draft: Draft, authorization: Annotated[str, Header(max_length=500)] = ""
    ) -> JSONResponse:
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), secret):
            raise HTTPException(
                401, "reviews are written with a token", {"WWW-Authenticate": "Bearer"}
            )
        try:
            review = make_review(live.results, known(event), draft, datetime.now(UTC))
            document = add_review(desk.folder, review)
        except InputError as error:
            raise HTTPException(400, error.message) from error
        except SarlraError as error:
            raise HTTPException(500, "the review could not be written") from error
        return JSONResponse(as_feature(document), 201)

    return router


def drafts_of(document: Any) -> list[tuple[Draft, datetime]]:
    """The drafts of a file that the map page has written, and when each was made.

    Raises
    ------
    InputError
        The file is none.
    """
    from sarlra.serving.query import moment

    try:
        features = document["features"]
        return [
            (Draft.model_validate({**f["properties"],
                                   "outline": f["geometry"]
                                   if f["properties"]["verdict"] == "redrawn" else None}),
             moment(str(f["properties"]["at"])))
            for f in features
        ]  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the file holds no reviews: {error}", hint="give one that the map page has written"
        ) from error
