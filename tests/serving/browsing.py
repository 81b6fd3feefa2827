"""A headless browser, and what a page asked and said."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from sarlra.serving.viewer import is_built

#: WebGL without a graphics card.
_ARGUMENTS = (
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist", "--disable-dev-shm-usage", "--disable-background-networking",
)  # fmt: skip


def required(present: bool, reason: str) -> None:
    """Skip where something is missing, except in CI, where that is a failure."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running_browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    required(program is not None, "chromium is not installed")
    required(is_built(), "the map page is not built: make viewer")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        yield browser
        browser.close()


class Opened:
    """A page with what it asked for and said."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.said: list[str] = []
        self.asked: list[str] = []
        self.failed: list[str] = []
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("response", lambda answer: self._answer(answer.status, answer.url))

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.said.append(f"{kind}: {text}")

    def _answer(self, status: int, url: str) -> None:
        if status >= 400:
            self.failed.append(f"{status} {url}")

    def open(self, path: str = "/") -> Page:
        self.page.goto(f"{self.url}{path}")
        self.page.wait_for_selector("body[data-ready]", timeout=60_000)
        return self.page

    def hosts(self) -> set[str]:
        """Hosts that were asked; what lies in the page itself is no request."""
        return {urlsplit(url).netloc for url in self.asked if urlsplit(url).scheme[:4] == "http"}

    def number_of(self, part: str) -> int:
        return sum(part in url for url in self.asked)

    def wait_for(self, part: str, seconds: float = 20.0) -> None:
        """Until something with ``part`` in its address was asked for."""
        for _ in range(round(seconds * 10)):
            if self.number_of(part):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"nothing asked for {part}: {self.asked[-20:]}")


def place_of(page: Page, lon: float, lat: float) -> tuple[float, float]:
    """Where a point lies on the page, by the place that the address states and web mercator."""
    zoom, at_lat, at_lon = (float(v) for v in page.url.split("map=")[1].split("&")[0].split("/"))
    scale = 512 * 2**zoom / (2 * math.pi)
    box: Any = page.locator("#map").bounding_box()

    def north(degrees: float) -> float:
        return math.log(math.tan(math.pi / 4 + math.radians(degrees) / 2))

    x = box["x"] + box["width"] / 2 + scale * math.radians(lon - at_lon)
    y = box["y"] + box["height"] / 2 - scale * (north(lat) - north(at_lat))
    return x, y
