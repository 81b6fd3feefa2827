"""A notice by e-mail: to a real mail server, with its numbers and its picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from sarlra.catalog.sink import open_sink
from sarlra.watch.notices import Notice, send
from tests.servers.mail import MailServer

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def notice(tmp_path: Path) -> Notice:
    open_sink(str(tmp_path)).put_bytes("collections/e-watch/v0002/overview.png", PNG)
    return Notice(
        "e", 2, "M 6.6 - 27km ENE of Tomakomai: version 2", "Version 2: 41 windows\n12 new",
        "collections/e-watch/v0002/overview.png", "https://host/e-watch-v0002.json",
    )  # fmt: skip


def test_a_mail_has_the_numbers_and_the_picture(notice: Notice, tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path))
    with MailServer() as server:
        target = (
            f"mailto://127.0.0.1:{server.port}?smtp=127.0.0.1&mode=insecure"
            "&from=watch@example.org&to=duty@example.org"
        )
        assert send(sink, notice, [target])
    (mail,) = server.mails
    assert mail["Subject"] == notice.title
    assert "duty@example.org" in mail["To"]
    body = mail.get_body()
    assert body is not None
    assert "41 windows" in body.get_content()
    (picture,) = mail.iter_attachments()
    assert picture.get_content_type() == "image/png"
    assert picture.get_content() == PNG


def test_a_mail_server_that_is_away_took_nothing(
    notice: Notice, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = (
        "mailto://user:hunter2@127.0.0.1:9?smtp=127.0.0.1&mode=insecure"
        "&from=watch@example.org&to=duty@example.org"
    )
    assert not send(open_sink(str(tmp_path)), notice, [secret])
    assert "was not taken" in caplog.text
    assert "hunter2" not in "".join(r.getMessage() for r in caplog.records if "sarlra" in r.name)


def test_targets_that_are_none_took_nothing(notice: Notice, tmp_path: Path) -> None:
    assert not send(open_sink(str(tmp_path)), notice, ["no-such-kind://x", "nonsense"])
