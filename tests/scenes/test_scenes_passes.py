"""What will be seen when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shapely import box

from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.scenes.passes import expected_passes, satellites

START = datetime(2021, 11, 1, 2, 0, tzinfo=UTC)


def _acquisition(platform: str, moment: datetime) -> Acquisition:
    scene = Slice(
        f"{platform}-{moment:%Y%m%d}", None, moment, platform, 137, "ascending", None, None,
        (("VV", "x"),), 32611, None, None, box(0, 0, 1, 1),
    )  # fmt: skip
    return Acquisition(f"{platform[-2:]}-{moment:%Y%m%d}", moment, platform, (scene,))


def _days(track: Track, after: datetime, days: int, now: datetime) -> list[tuple[str, int, str]]:
    found = expected_passes(track, after, after + timedelta(days=days), now)
    return [(p.platform[-1], round((p.time - START) / timedelta(days=1)), p.state) for p in found]


def test_two_satellites_pass_every_six_days_until_one_fails() -> None:
    """Sentinel-1B failed on 23 December 2021."""
    pre = tuple(
        _acquisition(f"sentinel-1{'ab'[i % 2]}", START + timedelta(days=6 * i)) for i in range(4)
    )
    after = START + timedelta(days=20)
    track = Track(137, "ascending", pre, ())
    assert _days(track, after, 60, after) == [
        ("a", 24, "expected"), ("b", 30, "expected"), ("a", 36, "expected"), ("b", 42, "expected"),
        ("a", 48, "expected"), ("a", 60, "expected"), ("a", 72, "expected"),
    ]  # fmt: skip


def test_what_came_is_seen_and_what_did_not_is_missing() -> None:
    pre = tuple(_acquisition("sentinel-1a", START + timedelta(days=12 * i)) for i in range(3))
    post = (_acquisition("sentinel-1a", START + timedelta(days=48, minutes=1)),)
    after = START + timedelta(days=30)
    now = START + timedelta(days=50)
    track = Track(137, "ascending", pre, post)
    assert _days(track, after, 40, now) == [
        ("a", 36, "missing"), ("a", 48, "seen"), ("a", 60, "expected"),
    ]  # fmt: skip
    soon = START + timedelta(days=36, hours=3)
    assert _days(Track(137, "ascending", pre, ()), after, 8, soon) == [("a", 36, "expected")]


def test_a_satellite_that_left_the_track_is_not_waited_for() -> None:
    pre = (_acquisition("sentinel-1a", START),)
    after = START + timedelta(days=40)
    assert _days(Track(137, "ascending", pre, ()), after, 60, after) == []


def test_lives_of_the_satellites() -> None:
    known = satellites()
    assert not known.alive("sentinel-1b", datetime(2022, 1, 1, tzinfo=UTC))
    assert known.alive("sentinel-1a", datetime(2022, 1, 1, tzinfo=UTC))
    assert not known.alive("sentinel-1c", datetime(2022, 1, 1, tzinfo=UTC))
    assert known.alive("sentinel-1z", datetime(2022, 1, 1, tzinfo=UTC))
    assert known.repeat == timedelta(days=12)
