"""Tokens against a real token endpoint and a blob server that refuses stale ones."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioIOError
from rasterio.transform import from_origin

from sarlra.errors import SigningError
from sarlra.scenes import signing
from sarlra.scenes.signing import SigningPolicy, covers, forget, sign, unsign
from tests.servers.base import Failure
from tests.servers.blobs import BlobServer

PC = SigningPolicy("https://example.invalid/token", ("*.blob.core.windows.net",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blobs")
    data = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
    with rasterio.open(
        folder / "a.tif", "w", driver="GTiff", width=64, height=64, count=1, dtype="float32",
        crs="EPSG:32632", transform=from_origin(600000, 5100000, 10, 10),
    ) as file:  # fmt: skip
        file.write(data, 1)
    return folder


@pytest.fixture
def blobs(folder: Path) -> Iterator[BlobServer]:
    with BlobServer(folder, lifetime_s=2.0) as server:
        yield server


def read(href: str) -> np.ndarray:
    with (
        rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", CPL_VSIL_CURL_USE_HEAD="NO"),
        rasterio.open(f"/vsicurl/{href}") as file,
    ):
        return file.read(1)


def test_reading_goes_on_while_tokens_of_two_seconds_expire(blobs: BlobServer) -> None:
    policy, href = blobs.policy, blobs.href("a.tif")
    with pytest.raises(RasterioIOError):
        read(href)
    refused = blobs.refused
    signed = set()
    until = time.monotonic() + 5.0
    reads = 0
    while time.monotonic() < until:
        address = sign(href, policy)
        signed.add(address)
        assert read(address).sum() == np.arange(64 * 64, dtype=np.float64).sum()
        reads += 1
        time.sleep(0.2)
    assert blobs.refused == refused, "a stale token was used"
    assert 3 <= len(signed) <= 5  # one per 1.5 s: the margin is a quarter of two seconds
    assert blobs.token_requests() == len(signed) < reads


def test_twenty_threads_make_one_token_request(folder: Path) -> None:
    with BlobServer(folder, lifetime_s=60, delay_s=0.3) as server:
        policy = server.policy
        gate = threading.Barrier(20)

        def one(number: int) -> str:
            gate.wait()
            return sign(server.href(f"{number}.tif"), policy).partition("?")[2]

        with ThreadPoolExecutor(20) as pool:
            tokens = set(pool.map(one, range(20)))
        assert len(tokens) == 1
        assert server.token_requests() == 1


def test_each_container_has_its_own_token(blobs: BlobServer) -> None:
    policy = blobs.policy
    one = sign(blobs.href("a.tif", container="one"), policy)
    two = sign(blobs.href("a.tif", container="two"), policy)
    assert one.partition("?")[2] != two.partition("?")[2]
    assert read(one).shape == read(two).shape == (64, 64)
    swapped = blobs.href("a.tif", container="one") + "?" + two.partition("?")[2]
    with pytest.raises(RasterioIOError):
        read(swapped)


def test_forget_after_a_refusal(folder: Path) -> None:
    with BlobServer(folder, lifetime_s=600) as server:
        policy, href = server.policy, server.href("a.tif")
        stale = sign(href, policy)
        server.revoke()
        with pytest.raises(RasterioIOError):
            read(stale)
        assert sign(href, policy) == stale
        forget(href, policy)
        assert read(sign(href, policy)).shape == (64, 64)
        assert server.token_requests() == 2


def test_a_busy_endpoint_is_waited_for_as_long_as_it_asks(blobs: BlobServer) -> None:
    blobs.failures.append(Failure("/token/", 429, 1, {"Retry-After": "1"}))
    blobs.failures.append(Failure("/token/", 503, 1))
    blobs.failures.append(Failure("/token/", 0, 1))
    before = time.monotonic()
    assert "sig=" in sign(blobs.href("a.tif"), blobs.policy)
    asked = [r.at for r in blobs.requests if "/token/" in r.path]
    assert len(asked) == 4
    assert asked[1] - asked[0] >= 1.0
    assert time.monotonic() - before < 10


def test_waiting_is_bounded(blobs: BlobServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "BUDGET_S", 2.0)
    blobs.failures.append(Failure("/token/", 429, 99, {"Retry-After": "3600"}))
    before = time.monotonic()
    with pytest.raises(SigningError, match="429"):
        sign(blobs.href("a.tif"), blobs.policy)
    assert time.monotonic() - before < 2.0
    assert blobs.token_requests() == 1


def test_a_refusal_is_not_asked_again_by_every_thread(folder: Path) -> None:
    with BlobServer(folder, key="secret", delay_s=0.1) as server:
        policy = server.policy

        def one(_: int) -> str:
            with pytest.raises(SigningError, match="PC_SDK_SUBSCRIPTION_KEY is not set") as caught:
                sign(server.href("a.tif"), policy)
            return str(caught.value)

        with ThreadPoolExecutor(10) as pool:
            assert len(set(pool.map(one, range(10)))) == 1
        assert server.token_requests() == 1


def test_the_key_goes_only_to_an_endpoint_that_the_user_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PC_SDK_SUBSCRIPTION_KEY", "secret")
    with BlobServer(folder, key="secret") as stranger:
        with pytest.raises(SigningError):
            sign(stranger.href("a.tif"), stranger.policy)
        assert "ocp-apim-subscription-key" not in stranger.requests[-1].headers
    with BlobServer(folder, key="secret") as named:
        monkeypatch.setenv("SARLRA_TOKEN_URL", named.token_url)
        assert "sig=" in sign(named.href("a.tif"), named.policy)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"token": "a b", "msft:expiry": "2999-01-01T00:00:00Z"}',
        b'{"token": "sig=1", "msft:expiry": "soon"}', b'{"token": "sig=1", "msft:expiry": 5}',
        b'{"token": "sig=1", "msft:expiry": "2001-01-01T00:00:00Z"}', b"\xff\xfe", b"x" * 70000,
        b'{"token": "sig=1\\r\\nX: y", "msft:expiry": "2999-01-01T00:00:00Z"}',
    ],
)  # fmt: skip
def test_an_answer_that_is_no_token(blobs: BlobServer, body: bytes) -> None:
    blobs.failures.append(Failure("/token/", 200, 1, body=body))
    with pytest.raises(SigningError):
        sign(blobs.href("a.tif"), blobs.policy)


def test_an_unreachable_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "BUDGET_S", 0.5)
    policy = SigningPolicy("http://127.0.0.1:9/token", ("127.0.0.1:9",))
    with pytest.raises(SigningError, match="no answer"):
        sign("http://127.0.0.1:9/account/container/a.tif", policy)


def test_other_hosts_stay_unsigned() -> None:
    for href in (
        "https://example.com/a/b/c.tif",
        "https://example.com/x.blob.core.windows.net/c.tif",
        "https://blob.core.windows.net.example.com/a/b/c.tif",
        "s3://bucket/a.blob.core.windows.net/c.tif",
        "/local/file.tif",
        "http://[broken/a/b/c.tif",
    ):
        assert not covers(PC, href)
        assert sign(href, PC) == href
        assert sign(href, None) == href
        forget(href, PC)


def test_azure_style_names_the_account_by_the_host(blobs: BlobServer) -> None:
    policy = SigningPolicy(blobs.token_url, ("*.blob.core.windows.net",))
    href = "https://storage.blob.core.windows.net/rtc/GRD/iw-vv.tiff"
    signed = sign(href, policy)
    assert signed.startswith(href + "?")
    assert blobs.requests[-1].path == "/token/storage/rtc"
    assert sign(signed, policy) == signed
    assert unsign(signed, policy) == href
    assert unsign(href + "?versionid=3", policy) == href + "?versionid=3"


@pytest.mark.parametrize("path", ["", "container", "/", "%2e%2e/x"])
def test_an_href_without_a_blob(blobs: BlobServer, path: str) -> None:
    with pytest.raises(SigningError, match="names no blob"):
        sign(f"{blobs.url}/{path}", blobs.policy)


def test_policies_travel_and_tokens_do_not(blobs: BlobServer) -> None:
    policy = blobs.policy
    sign(blobs.href("a.tif"), policy)
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert b"sig=" not in pickle.dumps(policy)
