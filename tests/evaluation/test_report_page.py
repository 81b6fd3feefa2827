"""The page of ``sarlra evaluate --analysis`` in a real browser, on a phone and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.evaluation.run_world import write_cover, write_ridge
from tests.serving.browsing import Opened, running_browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as found:
        yield found


@pytest.fixture
def report(run: Path, truth: Path, evaluate: Any, tmp_path: Path) -> Path:
    dem, cover = write_ridge(tmp_path / "dem.tif", 35, 15), write_cover(tmp_path / "cover.tif")
    out = tmp_path / "report"
    evaluate(run, "--truth", truth, "--dem", dem, "--analysis", "--land-cover", cover, "--out", out)
    return out / "report.html"


def test_it_is_read_on_a_phone_and_printed(report: Path, browser: Browser) -> None:
    for width in (360, 390, 1200):
        context = browser.new_context(viewport={"width": width, "height": 800})
        opened = Opened(context.new_page(), report.as_uri())
        page = opened.page
        page.goto(report.as_uri())
        inner = page.evaluate("document.documentElement.clientWidth")
        assert page.evaluate("document.documentElement.scrollWidth") <= inner == width
        drawn = page.locator("figure img, figure svg")
        assert drawn.count() == report.read_text().count("<figure>") >= 8
        for number in range(drawn.count()):
            box = drawn.nth(number).bounding_box()
            assert box is not None
            assert box["width"] > 200
            assert box["height"] > 100
            assert box["x"] + box["width"] <= width
        assert page.locator("h1").is_visible()
        assert opened.said == []
        assert opened.failed == []
        assert opened.hosts() == set()  # all of it lies in the file
        if width == 1200:
            pages = page.pdf(format="A4").count(b"/Type /Page\n")
            assert 3 <= pages <= 20
        context.close()
