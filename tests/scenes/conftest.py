"""An event over the real OPERA crops, and a way to make others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from shapely import MultiPolygon, box

from sarlra.events.event import Event
from sarlra.events.resolve import resolve_event


def event_at(*origins: str, area: MultiPolygon | None = None) -> Event:
    moments = tuple(datetime.fromisoformat(text).astimezone(UTC) for text in origins)
    return resolve_event(
        None, origins=moments, aoi=area or MultiPolygon([box(-121, 34, -119.6, 35.5)])
    )


@pytest.fixture
def december() -> Event:
    return event_at("2023-12-10T00:00:00Z")
