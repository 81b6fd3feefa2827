"""Notices of new versions: to whoever apprise reaches, and as an Atom feed for all others.

``SARLRA_NOTIFY`` holds apprise URLs with spaces between (``mailto://...``, ``json://host/path``,
``slack://...``). A notice is given after its version is written and noted in the collection after
it was sent, so that a poll that is killed in between gives it twice rather than never.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sarlra.catalog.atom import FEED, atom_bytes
from sarlra.catalog.sink import Sink
from sarlra.watch.versions import Document, read_versions
from sarlra.watch.watched import Watched, list_watched, put_watched, version_path

log = logging.getLogger(__name__)

VARIABLE = "SARLRA_NOTIFY"


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said of a version; ``picture`` is a path relative to the sink."""

    event: str
    number: int
    title: str
    body: str
    picture: str
    link: str


def notice_of(sink: Sink, watched: Watched, number: int, version: Document) -> Notice:
    """The notice of a version: numbers, what changed, why, and where it lies."""
    properties = version["properties"]
    numbers, changes = properties["sarlra:numbers"], properties["sarlra:changes"]
    path = version_path(watched, number)
    first = number == 1
    name = "First product" if first else f"Version {number}"
    lines = [
        f"{name}: {numbers['detections']} windows that look like landslides.",
        f"Seen by both directions {numbers['seen_by_both']}, ascending only "
        f"{numbers['seen_by_ascending']}, descending only {numbers['seen_by_descending']}.",
    ]
    if not first:
        lines.append(
            f"Against the version before: {changes['new']} new, {changes['kept']} kept, "
            f"{changes['withdrawn']} withdrawn."
        )
    lines += [f"- {reason}" for reason in properties["sarlra:why"]]
    for track in properties["sarlra:tracks"]:
        lines += _of_track(track)
    lines += [f"- missing: {note}" for note in properties["sarlra:notes"]]
    folder = path.rpartition("/")[0]
    lines += [
        "Scores rank windows; nothing was checked on the ground.",
        f"Detections: {sink.url_of(f'{folder}/detections.geojson')}",
        f"Item: {sink.url_of(path)}",
    ]
    return Notice(
        watched.event.id,
        number,
        f"{watched.event.title}: version {number}",
        "\n".join(lines),
        f"{path.rpartition('/')[0]}/overview.png",
        sink.url_of(path),
    )


def _of_track(track: Mapping[str, Any]) -> list[str]:
    """What went into a track's part, and what did not."""
    expected = track["expected_f1"]
    told = "" if expected is None else f", expected F1 {expected:.2f} by the model's table"
    noise = "; noise is high: one image after the event" if track["n_post"] == 1 else ""
    return [
        f"- {track['track']}: buffers {track['buffers']} ({track['rule']}), "
        f"{track['n_pre']} images before and {track['n_post']} after the event{told}{noise}",
        *(f"- {track['track']}: {name} rejected, {what}"
          for name, what in track.get("rejected", {}).items()),
    ]  # fmt: skip


def pending(sink: Sink, watched: Watched) -> list[Notice]:
    """The notices that were not given yet, the oldest first."""
    versions = read_versions(sink, watched)
    return [
        notice_of(sink, watched, number, version)
        for number, version in enumerate(versions, start=1)
        if number > watched.notified
    ]


def give_notices(sink: Sink, targets: Sequence[str] | None = None) -> list[Notice]:
    """Send all pending notices, note that they were sent, and write the Atom feed.

    A target that cannot be reached is logged; the notice is tried again at the next poll.

    Parameters
    ----------
    targets
        apprise URLs; None takes those of the environment. Without any, only the feed is written.
    """
    urls = list(targets if targets is not None else os.environ.get(VARIABLE, "").split())
    given: list[Notice] = []
    for watched in list_watched(sink):
        number = watched.notified
        for notice in pending(sink, watched):
            if urls and not send(sink, notice, urls):
                break
            given.append(notice)
            number = notice.number
        if number != watched.notified:
            put_watched(sink, replace(watched, notified=number), read_versions(sink, watched))
    write_feed(sink)
    return given


def send(sink: Sink, notice: Notice, urls: Sequence[str]) -> bool:
    """Send a notice with its picture through apprise; whether every target that is one took it.

    Where none is one, nothing was sent: the notice waits until that is mended.
    """
    import apprise

    sender = apprise.Apprise()
    for url in urls:
        if not sender.add(url):
            # The URL may hold a password: it is not repeated.
            log.warning("one of the targets in %s is no apprise URL", VARIABLE)
    if not len(sender):
        return False
    with TemporaryDirectory(prefix="sarlra-notice-") as folder:
        picture = Path(folder) / "overview.png"
        picture.write_bytes(sink.read_bytes(notice.picture))
        took = sender.notify(title=notice.title, body=notice.body, attach=str(picture))
    if not took:
        log.warning("the notice of %s version %d was not taken", notice.event, notice.number)
    return bool(took)


def write_feed(sink: Sink) -> None:
    """Write the Atom feed over all versions; nothing where it is as it was."""
    entries = [
        (watched, number, version)
        for watched in list_watched(sink)
        for number, version in enumerate(read_versions(sink, watched), start=1)
    ]
    if not entries:
        return
    data = atom_bytes(
        [
            (version, version_path(watched, number), notice_of(sink, watched, number, version).body)
            for watched, number, version in entries
        ]
    )
    if not sink.exists(FEED) or sink.read_bytes(FEED) != data:
        sink.put_bytes(FEED, data)
