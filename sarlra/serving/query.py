"""A search as a person or program writes it, checked and bounded before anything is looked up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import shapely
from cql2 import Expr
from shapely import Geometry
from shapely.geometry import box, shape

from sarlra.errors import InputError
from sarlra.serving.limits import (
    DEFAULT_PAGE,
    MAX_FILTER_DEPTH,
    MAX_FILTER_NODES,
    MAX_IDS,
    MAX_PAGE,
    MAX_QUERY_BYTES,
    MAX_VERTICES,
)

#: Operators of CQL2 that are understood: basic CQL2, advanced comparison, basic spatial functions.
OPERATORS = frozenset(
    {"and", "or", "not", "=", "<>", "<", "<=", ">", ">=", "isNull", "like", "between", "in",
     "s_intersects"}
)  # fmt: skip
Interval = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for; None is everything. ``token`` is where the page starts."""

    collections: frozenset[str] | None = None
    ids: frozenset[str] | None = None
    area: Geometry | None = None
    interval: Interval | None = None
    condition: Expr | None = None
    limit: int = DEFAULT_PAGE
    token: int = 0


def make_query(
    *,
    collections: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    bbox: Sequence[float] | None = None,
    intersects: Any = None,
    interval: str | Interval | None = None,
    condition: Any = None,
    limit: int | None = None,
    token: str | None = None,
) -> Query:
    """Check the parts of a search.

    Raises
    ------
    InputError
        A part is malformed or over its bound.
    """
    if bbox and intersects:
        raise InputError("give bbox or intersects, not both")
    for name, values in (("collections", collections), ("ids", ids)):
        if values and len(values) > MAX_IDS:
            raise InputError(f"{name}: {len(values)} are more than {MAX_IDS}")
    number = DEFAULT_PAGE if limit is None else limit
    if number < 1:
        raise InputError(f"limit {number} is less than 1")
    return Query(
        frozenset(collections) if collections else None,
        frozenset(ids) if ids else None,
        _box(bbox) if bbox else _geometry(intersects) if intersects else None,
        _interval(interval) if isinstance(interval, str) else interval,
        parse_filter(condition) if condition else None,
        min(number, MAX_PAGE),
        _token(token),
    )


def _token(token: str | None) -> int:
    text = (token or "0").removeprefix("next:")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(f"{token!r:.60} is no token of a page of this search")
    return int(text)


def _box(values: Sequence[float]) -> Geometry:
    if len(values) not in (4, 6):
        raise InputError("bbox has 4 or 6 numbers")
    half = len(values) // 2
    west, south, east, north = values[0], values[1], values[half], values[half + 1]
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError(f"bbox {list(values)} is none in degrees, west,south,east,north")
    if west > east:  # across the antimeridian
        return shapely.union_all([box(west, south, 180, north), box(-180, south, east, north)])
    return box(west, south, east, north)


def _geometry(value: Any) -> Geometry:
    # A geometry of pydantic's, or plain JSON (as text in a GET).
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, str):
        value = _json(value, "intersects")
    try:
        found = shape(value)
        vertices = int(shapely.get_num_coordinates(found))
    except Exception as error:  # shapely raises what it likes on what is no geometry
        raise InputError(f"intersects is no GeoJSON geometry: {error}") from error
    if not 0 < vertices <= MAX_VERTICES:
        raise InputError(f"intersects has {vertices} vertices, not 1 to {MAX_VERTICES}")
    if not shapely.is_valid(found):
        raise InputError(f"intersects is not valid: {shapely.is_valid_reason(found)}")
    return found


def _json(text: str, what: str) -> Any:
    if len(text) > MAX_QUERY_BYTES:
        raise InputError(f"{what} is longer than {MAX_QUERY_BYTES} characters")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is no JSON: {error}") from error


def _interval(text: str) -> Interval:
    parts = text.split("/")
    if len(parts) > 2:
        raise InputError(f"datetime {text!r:.80} is no time and no interval")
    ends = [None if part in ("", "..") else moment(part) for part in parts]
    return (ends[0], ends[-1])


def moment(text: str) -> datetime:
    """An RFC 3339 time, in UTC where it names no offset.

    Raises
    ------
    InputError
        The text is none.
    """
    try:
        found = datetime.fromisoformat(text.upper())  # RFC 3339 allows t and z
    except ValueError as error:
        raise InputError(f"{text!r:.60} is no RFC 3339 time") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def parse_filter(value: Any) -> Expr:
    """A CQL2 JSON filter, of the operators in :data:`OPERATORS` and of bounded size.

    Raises
    ------
    InputError
        It is none.
    """
    parsed = _json(value, "filter") if isinstance(value, str) else value
    if not isinstance(parsed, dict):
        raise InputError("filter is no CQL2 JSON expression", hint="cql2-json is understood")
    _check(parsed, 0, [0])
    try:
        expression = Expr(_flat(parsed))
        expression.validate()
    except Exception as error:  # cql2 raises its own kinds and plain ones
        raise InputError(f"filter is no CQL2 JSON expression: {str(error)[:300]}") from error
    return expression


def _check(value: Any, depth: int, count: list[int]) -> None:
    count[0] += 1
    if depth > MAX_FILTER_DEPTH or count[0] > MAX_FILTER_NODES + MAX_VERTICES:
        raise InputError("filter is too deep or too long")
    if isinstance(value, dict):
        operator = value.get("op")
        if operator is not None:
            count[0] += MAX_VERTICES // MAX_FILTER_NODES
            if operator not in OPERATORS:
                raise InputError(
                    f"filter: operator {operator!r:.40} is not understood",
                    hint=f"one of {', '.join(sorted(OPERATORS))}",
                )
        elif depth == 0:
            raise InputError("filter has no operator (op)")
        for part in value.values():
            _check(part, depth + 1, count)
    elif isinstance(value, list):
        for part in value:
            _check(part, depth + 1, count)


def _flat(value: Any) -> Any:
    """With the bounds of ``between`` side by side: drafts of CQL2 had them in a list of their own,
    and clients that follow those are still about.
    """
    if isinstance(value, list):
        return [_flat(part) for part in value]
    if not isinstance(value, dict):
        return value
    found = {name: _flat(part) for name, part in value.items()}
    arguments = found.get("args")
    if (
        found.get("op") == "between"
        and isinstance(arguments, list)
        and len(arguments) == 2
        and isinstance(arguments[1], list)
    ):
        found["args"] = [arguments[0], *arguments[1]]
    return found


def fits(expression: Expr, document: dict[str, Any]) -> bool:
    """Whether an item meets a filter; comparing with what it does not have is not met."""
    try:
        return bool(expression.matches(document))
    except Exception as error:  # what cannot be decided is unknown, and unknown is not true
        if "reduce" in str(error):
            return False
        raise InputError(f"filter: {str(error)[:300]}") from error
