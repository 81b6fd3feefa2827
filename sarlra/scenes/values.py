"""Values of an item that nobody vouches for, each of the kind that it has to be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def finite_numbers(values: Any) -> list[float] | None:
    """A list of at most 16 finite numbers; None where it is none."""
    if not isinstance(values, list | tuple) or len(values) > 16:
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return None
    numbers = [float(value) for value in values]
    return numbers if all(map(math.isfinite, numbers)) else None


def integer(value: Any, low: int, high: int, name: str) -> int:
    """A whole number within bounds, which are included.

    Raises
    ------
    ValueError
        It is none.
    """
    number = optional_integer(value)
    if number is None or not low <= number <= high:
        raise ValueError(f"its {name} is {value!r:.80}")
    return number


def optional_integer(value: Any) -> int | None:
    """A whole number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value % 1 == 0 else None


def time_of(value: Any) -> datetime | None:
    """A time, UTC, which one without a zone is taken for; None where there is none.

    Raises
    ------
    ValueError
        What is there is no time.
    """
    if value is None:
        return None
    if not isinstance(value, str | datetime):
        raise ValueError(f"{value!r:.80} is no time")
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """An object of JSON.

    Raises
    ------
    ValueError
        It is none.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"its {name} is missing or malformed")
    return value


def text(value: Any, name: str) -> str:
    """A printable text of 1 to 512 characters.

    Raises
    ------
    ValueError
        It is none.
    """
    if not isinstance(value, str) or not 0 < len(value) <= 512 or not value.isprintable():
        raise ValueError(f"its {name} is missing or malformed")
    return value


def optional_text(value: Any) -> str | None:
    """A text of 1 to 512 characters; None where it is none."""
    return value if isinstance(value, str) and 0 < len(value) <= 512 else None
