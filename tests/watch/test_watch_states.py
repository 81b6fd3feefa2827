"""The state of a watched event, as a person reads it, from its versions and the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from shapely import MultiPolygon, box
from typer.testing import CliRunner

from sarlra.catalog.sink import open_sink
from sarlra.cli import console
from sarlra.cli.app import app
from sarlra.events.event import Event
from sarlra.events.rule import read_rule
from sarlra.events.times import iso
from sarlra.scenes.passes import ExpectedPass
from sarlra.watch.reasons import state_now
from sarlra.watch.watched import Shock, TrackState, Watched, put_watched

RULE = read_rule()
ORIGIN = datetime(2018, 8, 5, 11, 46, tzinfo=UTC)
AGAIN = ORIGIN + timedelta(days=14)
EVENT = Event("us1000aa", "M 6.9", (ORIGIN,), MultiPolygon([box(116, -9, 117, -8)]), magnitude=6.9)
NEXT = ExpectedPass("T156A", "sentinel-1a", ORIGIN + timedelta(days=16), "expected")
SEEN = replace(NEXT, time=ORIGIN + timedelta(days=4), state="seen", acquisition="S1A")
WATCHED = Watched(EVENT, ("us1000aa",), ORIGIN, "waiting", "", ORIGIN, passes=(SEEN, NEXT))
SMALL = Shock("us1000as", ORIGIN + timedelta(days=1), 5.6, False)
LARGE = Shock("us1000ms", AGAIN, 6.9, True)
TWO = replace(EVENT, origins=(ORIGIN, AGAIN))


def _version(event: Event) -> dict[str, Any]:
    return {"properties": {"sarlra:origins": [iso(origin) for origin in event.origins]}}


@pytest.mark.parametrize(
    ("watched", "versions", "days", "state", "reason"),
    [
        (WATCHED, 0, 2, "waiting", "next pass: T156A about 2018-08-21 11:46 UTC"),
        # An aftershock that was only noted changes nothing of that.
        (replace(WATCHED, shocks=(SMALL,)), 0, 2, "waiting",
         "next pass: T156A about 2018-08-21 11:46 UTC"),
        (replace(WATCHED, passes=()), 0, 2, "waiting",
         "no image after the event yet, and no pass is expected"),
        (WATCHED, 1, 5, "first product",
         "version 1; next pass: T156A about 2018-08-21 11:46 UTC"),
        (replace(WATCHED, passes=(SEEN,)), 2, 17, "updated", "version 2"),
        (replace(WATCHED, event=TWO, shocks=(SMALL, LARGE)), 2, 15, "waiting",
         "restarted by the earthquake of 2018-08-19 11:46 UTC (M 6.9); version 2 stands from "
         "before; next pass: T156A about 2018-08-21 11:46 UTC"),
        (WATCHED, 3, 68, "complete", "3 versions; the last window closed"),
        (WATCHED, 0, 68, "given up", "no image within 60 days after the event"),
    ],
)  # fmt: skip
def test_states_say_why(
    watched: Watched, versions: int, days: int, state: str, reason: str
) -> None:
    now = ORIGIN + timedelta(days=days)
    found = state_now(watched, [_version(EVENT)] * versions, RULE, now)
    assert (found.state, found.reason) == (state, reason)
    # Asked again later the same day, since when it is so stays.
    again = state_now(found, [_version(EVENT)] * versions, RULE, now + timedelta(hours=1))
    assert again == found
    assert found.since == (ORIGIN if state == "waiting" else now)


def test_the_status_is_shown_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Titles come from outside: what looks like markup is text."""
    monkeypatch.setattr(console.out, "_width", 200)
    title = "M 6.9 - [/bold] 3km [red]N of Lombok"
    one = replace(
        state_now(WATCHED, [_version(EVENT)], RULE, ORIGIN + timedelta(days=5)),
        event=replace(EVENT, title=title), trouble="the archive [/x] gives no answer",
        tracks=(TrackState("T156A", 5, 1, "60-12", 0.76, "highest F1"), TrackState("T032D", 5, 0)),
    )  # fmt: skip
    put_watched(open_sink(str(tmp_path)), one, [])
    done = CliRunner().invoke(app, ["watch", "--out", str(tmp_path), "--status"])
    assert done.exit_code == 0, done.output
    for words in (
        title, "first product", "version 1; next pass: T156A about 2018-08-21 11:46 UTC",
        "T156A 5 + 1, 60-12", "T032D 5 + 0", "2018-08-09 11:46 UTC",
        "us1000aa the archive [/x] gives no answer",
    ):  # fmt: skip
        assert words in done.output
