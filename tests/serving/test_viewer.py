"""The map page in a real browser, over a server that runs as a program."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import viewer_world
from browsing import Opened, place_of, running_browser
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from running import serving
from serving_world import EVENT, refold, world
from shapely.geometry import shape

from sarlra.catalog.reviews import read_reviews
from sarlra.catalog.sink import open_sink
from sarlra.catalog.vector import write_parquet
from sarlra.serving.reviews import drafts_of
from tests.servers.optical import OpticalServer
from tests.servers.proxy import PrefixProxy

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TABLE = f"collections/{EVENT}/detections.parquet"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as found:
        yield found


@pytest.fixture(scope="module")
def url(mapped_folder: Path, browser: Browser) -> Iterator[str]:
    with serving(mapped_folder) as found:
        yield found


@pytest.fixture
def opened(browser: Browser, url: str) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1200, "height": 800}, accept_downloads=True)
    yield Opened(context.new_page(), url)
    context.close()


@pytest.fixture(scope="module")
def table(mapped_folder: Path) -> gpd.GeoDataFrame:
    return gpd.read_parquet(mapped_folder / TABLE)


def settled(page: Page) -> None:
    """Until no request is under way any more."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)


def picture(page: Page) -> np.ndarray:
    """The map's pixels; the legend, which lies over it, folded away."""
    page.locator("#legend").evaluate("e => e.style.visibility = 'hidden'")
    return np.asarray(Image.open(io.BytesIO(page.locator("#map").screenshot())).convert("RGB"))


def set_slider(page: Page, label: str, value: float) -> None:
    page.get_by_label(label, exact=True).evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", str(value)
    )


def test_loads_whole_and_asks_nobody_else(opened: Opened, table: gpd.GeoDataFrame) -> None:
    page = opened.open()
    settled(page)
    expect(page.locator("#count")).to_have_text(f"{len(table)} of {len(table)} shown.")
    expect(page.locator("#detections li")).to_have_count(len(table))
    for text in ("M 6.6 - 27km ENE of Tomakomai", "2018-09-05 18:07 UTC", "42.686°, 141.929°"):
        expect(page.locator("#panel")).to_contain_text(text)
    expect(page.locator("#legend")).to_contain_text("Score of a detection")
    expect(page.locator("#legend")).to_contain_text("not seen: layover")
    expect(page.locator(".maplibregl-ctrl-scale")).to_be_visible()
    page.mouse.move(600, 400)
    expect(page.locator("#position")).to_have_text(
        re.compile(r"42\.\d{4}°, 14[12]\.\d{4}° \(lat, lon\)")
    )
    assert opened.hosts() == {opened.url.removeprefix("http://")}
    assert opened.said == []
    assert opened.failed == []
    assert opened.number_of("/hillshade/") > 0
    # The detection of the highest score is painted where it lies.
    best = table.loc[table["score"].idxmax()]
    x, y = place_of(page, best.geometry.centroid.x, best.geometry.centroid.y)
    box = page.locator("#map").bounding_box()
    assert box is not None
    shown = picture(page)[round(y - box["y"]), round(x - box["x"])].astype(int)
    page.get_by_label("Detections", exact=True).uncheck()
    page.wait_for_timeout(500)
    bare = picture(page)[round(y - box["y"]), round(x - box["x"])].astype(int)
    assert shown[0] - shown[2] > bare[0] - bare[2] + 25, (shown, bare)


def test_layers_are_switched_and_faded(opened: Opened) -> None:
    page = opened.open()
    settled(page)
    assert opened.number_of("band=diff_vv") == 0
    options = page.get_by_label("Image", exact=True).locator("option").all_inner_texts()
    for title in ("Change VV, after minus before", "Change VH, after minus before",
                  "VV after the event", "Score of every window"):  # fmt: skip
        assert title in options
    before = picture(page)
    for title, part in (("Change VV, after minus before", "/change/"),
                        ("VV after the event", "/composite/"),
                        ("Score of every window", "/scores/")):  # fmt: skip
        page.get_by_label("Image", exact=True).select_option(label=title)
        settled(page)
        assert opened.number_of(part) > 0
        expect(page.locator("#legend")).to_contain_text(title)
        assert np.abs(picture(page).astype(int) - before).mean() > 1
    set_slider(page, "Opacity of the image", 0)
    page.wait_for_timeout(500)
    assert np.abs(picture(page).astype(int) - before).mean() < 1
    page.get_by_label("Where the radar could not see (hatched)").uncheck()
    page.wait_for_timeout(300)
    assert np.abs(picture(page).astype(int) - before).mean() > 0.5
    expect(page.locator("#legend")).not_to_contain_text("not seen")
    page.get_by_label("Density of detections").check()
    page.wait_for_timeout(300)
    expect(page.locator("#legend")).to_contain_text("Density")
    assert opened.said == []
    assert opened.failed == []


def test_swipe_shows_before_and_after(opened: Opened) -> None:
    page = opened.open()
    page.get_by_label("Compare two images (swipe)").check()
    settled(page)
    expect(page.locator("#swipe-left")).to_have_text("VV before the event")
    expect(page.locator("#swipe-right")).to_have_text("VV after the event")
    opened.wait_for("band=pre_vv")
    opened.wait_for("band=post_vv")
    bar = page.get_by_label("Border between before and after", exact=False)
    bar.focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    assert "70%" in page.locator("#left-map").evaluate("e => e.style.clipPath")
    # Both maps stay together.
    page.locator("#map canvas").focus()
    page.keyboard.press("ArrowRight")
    settled(page)
    page.get_by_label("Compare two images (swipe)").uncheck()
    expect(page.locator("#left-map")).to_be_hidden()
    assert opened.said == []


def test_filters_count_as_the_table_does(opened: Opened, table: gpd.GeoDataFrame) -> None:
    page = opened.open()
    set_slider(page, "Score at least", 0.8)
    wanted = int((table["score"] >= 0.8).sum())
    expect(page.locator("#count")).to_contain_text(f"{wanted} of {len(table)} shown")
    page.get_by_label("Direction").select_option("ascending")
    wanted = int(((table["score"] >= 0.8) & (table["orbit_state"] == "ascending")).sum())
    expect(page.locator("#count")).to_contain_text(f"{wanted} of {len(table)} shown")
    assert wanted > 0
    page.get_by_label("Direction").select_option("")
    set_slider(page, "Score at least", 0)
    sizes = sorted(f["properties"]["area_ha"] for f in shown_by(opened)["features"])
    middle = round((sizes[-2] + sizes[-1]) / 2, 1)
    set_slider(page, "Size at least", middle)
    wanted = sum(size >= middle for size in sizes)
    assert 0 < wanted < len(table)
    expect(page.locator("#count")).to_contain_text(f"{wanted} of {len(table)} shown")


def shown_by(opened: Opened) -> dict[str, Any]:
    """What the server gives the page."""
    return dict(opened.page.request.get(f"{opened.url}/detections/{EVENT}.geojson").json())


def colour_at(page: Page, lon: float, lat: float) -> np.ndarray:
    """The colour of the map at a place, as (red, green, blue)."""
    x, y = place_of(page, lon, lat)
    box = page.locator("#map").bounding_box()
    assert box is not None
    return picture(page)[round(y - box["y"]), round(x - box["x"])].astype(int)


def test_colours_tell_probability_and_direction(
    browser: Browser, mapped_folder: Path, tmp_path: Path
) -> None:
    """Probabilities that go against the scores: the colours follow the probabilities."""
    copy = Path(shutil.copytree(mapped_folder, tmp_path / "copy"))
    table = gpd.read_parquet(copy / TABLE).sort_values("score")
    table["probability"] = np.linspace(0.99, 0.01, len(table)).astype(np.float32)
    write_parquet(copy / TABLE, table.sort_index())
    with serving(copy) as url:
        opened = Opened(browser.new_page(viewport={"width": 1200, "height": 800}), url)
        page = opened.open()
        page.get_by_label("Ground").select_option("plain")
        page.get_by_label("Where the radar could not see (hatched)").uncheck()
        settled(page)
        expect(page.locator("#legend")).to_contain_text("Probability of a landslide")
        expect(page.locator("#legend")).to_contain_text("seen ascending")
        likely, unlikely = table.iloc[0], table.iloc[-1]
        places = [(r.geometry.centroid.x, r.geometry.centroid.y) for r in (likely, unlikely)]
        dark, bright = (colour_at(page, *place) for place in places)
        # The ramp goes from yellow to dark red.
        assert dark[1] < bright[1] - 40, (dark, bright)
        page.locator("#detections button").first.click()
        expect(page.locator("#selected")).to_contain_text("Probability")
        # Directions: the outline of an ascending window is blue, of a descending one purple.
        page.get_by_label("Opacity of detections", exact=True).evaluate(
            "e => { e.value = 1; e.dispatchEvent(new Event('input')); }"
        )
        blue = {}
        for orbit in ("ascending", "descending"):
            page.get_by_label("Direction").select_option(orbit)
            page.wait_for_timeout(400)
            pixels = picture(page).reshape(-1, 3).astype(int)
            red, green, azure = pixels.T
            blue[orbit] = (
                int(((azure > 200) & (red < 80) & (green < 160)).sum()),
                int(((azure > 150) & (red > 120) & (green < 60)).sum()),
            )
        assert blue["ascending"][0] > 100 > blue["descending"][0], blue
        assert blue["descending"][1] > 100 > blue["ascending"][1], blue
        assert opened.said == []
        page.close()


def test_under_a_path_of_a_proxy(browser: Browser, mapped_folder: Path) -> None:
    with (
        serving(mapped_folder, "--behind-proxy") as inner,
        PrefixProxy("/quakes", inner, X_Forwarded_Prefix="/quakes") as proxy,
    ):
        opened = Opened(browser.new_page(), proxy.url)
        page = opened.open()
        page.get_by_label("Image", exact=True).select_option(label="Score of every window")
        page.locator("#detections button").first.click()
        settled(page)
        expect(page.locator("#selected img").first).to_have_js_property("naturalWidth", 128)
        asked = [u for u in opened.asked if u.startswith("http")]
        assert asked
        assert [u for u in asked if not u.startswith(f"{proxy.url}/")] == []
        assert opened.failed == []
        assert opened.said == []
        page.close()


def test_click_tells_numbers_patches_and_inputs(opened: Opened, table: gpd.GeoDataFrame) -> None:
    page = opened.open()
    settled(page)
    best = table.loc[table["score"].idxmax()]
    page.mouse.click(*place_of(page, best.geometry.centroid.x, best.geometry.centroid.y))
    detail = page.locator("#selected")
    expect(detail).to_contain_text(f"{best['score']:.3f}")
    expect(detail).to_contain_text(best["track"])
    expect(detail.get_by_text("Images before:")).to_be_visible()
    expect(detail).to_contain_text("sentinel-1")
    expect(detail.locator("img")).to_have_count(3)
    for number in range(3):
        expect(detail.locator("img").nth(number)).to_have_js_property("naturalWidth", 128)
    assert detail.get_by_role("link", name="quicklook").get_attribute("href")
    page.locator("#panel").get_by_text("How sure to be").click()
    expect(page.locator("#panel")).to_contain_text("they are no probabilities")
    expect(page.locator("#panel")).to_contain_text("Not for real use.")
    # Beside every window nothing is selected.
    page.mouse.click(5, 60)
    expect(detail).to_contain_text("Click a window")
    assert opened.said == []


@pytest.mark.parametrize("kind", ["GeoJSON", "GeoParquet", "KML", "CSV"])
def test_downloads_hold_what_is_shown(
    opened: Opened, table: gpd.GeoDataFrame, tmp_path: Path, kind: str
) -> None:
    page = opened.open()
    set_slider(page, "Score at least", 0.75)
    kept = table[table["score"] >= 0.75].sort_values("score", ascending=False)
    with page.expect_download() as waiting:
        page.locator(".downloads").get_by_role("link", name=kind, exact=True).first.click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    if kind == "GeoJSON":
        scores = [f["properties"]["score"] for f in json.loads(path.read_text())["features"]]
    elif kind == "GeoParquet":
        found = gpd.read_parquet(path)
        assert found.crs.to_epsg() == 4326
        scores = found["score"].tolist()
        assert found.geometry.iloc[0].equals(kept.geometry.iloc[0])
    elif kind == "KML":
        found = pyogrio.read_dataframe(path)
        assert found.total_bounds == pytest.approx(kept.total_bounds, abs=1e-6)
        scores = found["score"].astype(float).tolist()
    else:
        plain = pd.read_csv(path)
        assert plain["lon"].iloc[0] == pytest.approx(kept.geometry.iloc[0].centroid.x, abs=1e-5)
        scores = plain["score"].tolist()
    assert scores == pytest.approx(kept["score"].tolist(), rel=1e-5)


def test_slider_goes_back_in_time(
    opened: Opened, mapped_folder: Path, table: gpd.GeoDataFrame
) -> None:
    page = opened.open()
    settled(page)
    old = list(mapped_folder.glob("items/*_T046D_v1/detections.parquet"))
    asc = list(mapped_folder.glob("items/*_T068A_v1/detections.parquet"))
    before = sum(len(gpd.read_parquet(p)) for p in (*old, *asc))
    assert before != len(table)
    set_slider(page, "As of", 1)  # after the first descending pass
    expect(page.locator("#count")).to_contain_text(f"{before} of {before} shown")
    set_slider(page, "As of", 0)  # only the ascending pass was there
    count = len(gpd.read_parquet(asc[0]))
    expect(page.locator("#count")).to_contain_text(f"{count} of {count} shown")
    href = page.locator(".downloads a").first.get_attribute("href")
    assert href is not None
    assert "as_of=2018" in href
    assert opened.failed == []
    assert opened.said == []


def test_keyboard_alone(opened: Opened, table: gpd.GeoDataFrame) -> None:
    page = opened.open()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip the map")).to_be_focused()
    page.keyboard.press("Enter")
    button = page.locator("#detections button").first
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#selected")).to_contain_text(f"{table['score'].max():.3f}")
    expect(page.locator("#news")).to_contain_text("shown")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('input, select, button, textarea')].filter(
            e => !(e.labels?.length || e.ariaLabel || e.title || e.textContent.trim()))
            .map(e => e.outerHTML)"""
    )
    assert nameless == []
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1


def test_dark_and_light(opened: Opened) -> None:
    page = opened.open()
    assert page.locator("html").get_attribute("data-theme") == "light"
    bright = picture(page).mean()
    page.get_by_role("button", name="Change between dark and light").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.wait_for_timeout(300)
    assert picture(page).mean() < bright - 40
    page = opened.open()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_phone(browser: Browser, url: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True
    )
    opened = Opened(context.new_page(), url)
    page = opened.open()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    box = page.locator("#map").bounding_box()
    assert box is not None
    assert box["height"] > 300
    assert page.locator("#legend").get_attribute("open") is None
    page.locator("#detections button").first.tap()
    expect(page.locator("#selected")).to_contain_text("Score")
    page.locator("#selected").scroll_into_view_if_needed()
    for name in ("Ground", "Image", "Score at least", "Opacity of the image"):
        control = page.get_by_label(name, exact=True)
        control.scroll_into_view_if_needed()
        place = control.bounding_box()
        assert place is not None
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= 360
    assert opened.said == []
    context.close()


def test_texts_of_strangers_stay_texts(
    browser: Browser, mapped_folder: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(mapped_folder, tmp_path / "copy"))
    script = "<img src=x onerror=\"document.body.dataset.owned='yes'\"><script>1</script>"
    path = copy / f"collections/{EVENT}/collection.json"
    document = json.loads(path.read_text())
    document["sarlra:event"]["title"] = document["title"] = script
    path.write_text(json.dumps(document))
    for item in copy.glob("items/*/*_v?.json"):
        document = json.loads(item.read_text())
        document["properties"]["sarlra:score_meaning"] = script
        document["properties"]["sarlra:model_limits"] = [script]
        document["properties"]["sarlra:source"] = script
        item.write_text(json.dumps(document))
    with serving(copy) as url:
        opened = Opened(browser.new_page(), url)
        page = opened.open()
        page.locator("#detections button").first.click()
        page.locator("#panel").get_by_text("How sure to be").click()
        settled(page)
        expect(page.locator("#panel")).to_contain_text("<img src=x onerror=")
        assert page.locator("body").get_attribute("data-owned") is None
        assert opened.number_of("/x") == 0
        assert opened.said == []
        page.close()


def test_new_results_are_shown_while_serving(
    browser: Browser, mapped_folder: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(mapped_folder, tmp_path / "copy"))
    with serving(copy) as url:
        opened = Opened(browser.new_page(), url)
        page = opened.open()
        expect(page.locator("#panel")).to_contain_text("2018-09-17")
        sink = open_sink(str(copy))
        way = viewer_world.later(viewer_world.later(world.track()))
        newest = viewer_world.add(sink, way, "v3", 5)
        other = next(copy.glob("items/*_T068A_v1")).name
        refold(sink, [newest, other])
        expect(page.locator("#news")).to_contain_text("loaded again", timeout=40_000)
        wanted = len(gpd.read_parquet(copy / TABLE))
        expect(page.locator("#count")).to_contain_text(f"{wanted} of {wanted}")
        assert opened.failed == []
        page.close()


def test_other_hosts_only_where_the_server_says_so(
    browser: Browser, mapped_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "online.json"
    with OpticalServer() as other:
        file.write_text(json.dumps(other.layers()))
        with serving(mapped_folder, "--online", str(file)) as url:
            opened = Opened(browser.new_page(), url)
            page = opened.open()
            settled(page)
            assert opened.hosts() == {url.removeprefix("http://")}  # allowed is not yet wanted
            page.get_by_label("Ground").select_option("online-base")
            opened.wait_for("/base/")
            page.get_by_label("Compare two images (swipe)").check()
            page.get_by_label("Left", exact=True).select_option("optical-before")
            page.get_by_label("Right", exact=True).select_option("optical-after")
            for start in ("2018-07-07", "2018-09-05"):
                opened.wait_for(f"item=S2-{start}-5")  # the clearest of three
            settled(page)
            assert opened.hosts() == {url.removeprefix("http://"), other.host}
            green = picture(page)[400:, :].reshape(-1, 3).astype(int)
            assert (green[:, 1] > green[:, 0] + 60).mean() > 0.3
            assert opened.said == []
            page.close()
        asked = [r.body for r in other.requests if r.path == "/search" and r.method == "POST"]
        assert {a["datetime"] for a in asked} == {
            "2018-07-07T18:07:58.000Z/2018-09-05T18:07:58.000Z",
            "2018-09-05T18:07:58.000Z/2018-11-04T18:07:58.000Z",
        }


def test_analyst_confirms_and_redraws_on_the_server(
    browser: Browser, mapped_folder: Path, table: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    token = "a-long-token-for-the-browser"
    with serving(mapped_folder, "--reviews", str(tmp_path), SARLRA_REVIEW_TOKEN=token) as url:
        opened = Opened(browser.new_page(viewport={"width": 1200, "height": 900}), url)
        page = opened.open()
        page.locator("#detections button").first.click()
        detail = page.locator("#selected")
        detail.get_by_role("button", name="Confirm").click()
        expect(detail).to_contain_text("Your name and a reason are needed")
        detail.get_by_label("Your name").fill("A. Sato")
        detail.get_by_label("Reason").fill("seen from the helicopter")
        detail.get_by_label("Token of the server").fill("wrong-token-wrong-token")
        detail.get_by_role("button", name="Confirm").click()
        expect(detail).to_contain_text("written with a token")
        detail.get_by_label("Token of the server").fill(token)
        detail.get_by_role("button", name="Confirm").click()
        expect(page.locator("#standing")).to_contain_text("Confirmed by A. Sato")
        expect(page.locator("#detections button").first).to_contain_text("confirmed")
        # Redraw: three corners by pointer, one by keyboard.
        detail.get_by_label("Reason").fill("its outline")
        detail.get_by_role("button", name="Redraw").click()
        settled(page)
        box = page.locator("#map").bounding_box()
        assert box is not None
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for x, y in ((-40, -40), (40, -40), (40, 40)):
            page.mouse.click(middle[0] + x, middle[1] + y)
            page.wait_for_timeout(350)
        page.get_by_role("button", name="Done").click()
        expect(page.locator("#standing")).to_contain_text("Redrawn by A. Sato")
        page.close()
        again = Opened(browser.new_page(), url)
        expect(again.open().locator("#review-count")).to_contain_text("1 redrawn")
        again.page.close()
    documents = read_reviews(tmp_path, EVENT)
    assert [d["properties"]["sarlra:verdict"] for d in documents] == ["confirmed", "redrawn"]
    drawn = shape(documents[1]["geometry"])
    best = table.loc[table["score"].idxmax()].geometry
    assert best.buffer(1e-3).contains(drawn)
    assert [m for m in opened.said if "401" not in m] == []


def test_reviews_in_the_browser_become_a_file(opened: Opened, tmp_path: Path) -> None:
    page = opened.open()
    page.locator("#detections button").nth(1).click()
    detail = page.locator("#selected")
    detail.get_by_label("Your name").fill("B")
    detail.get_by_label("Reason").fill("<b>rice</b> field")
    detail.get_by_role("button", name="Reject").click()
    expect(page.locator("#standing")).to_contain_text(
        "<b>rice</b> field (only in this browser yet)"
    )
    page.locator("#panel").get_by_text("Reviews", exact=True).last.click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download them as a file").click()
    path = tmp_path / "drafts.geojson"
    waiting.value.save_as(path)
    ((draft, _),) = drafts_of(json.loads(path.read_text()))
    assert (draft.verdict, draft.reviewer) == ("rejected", "B")
    assert opened.said == []
