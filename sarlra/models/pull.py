"""Fetching registered weights from their publisher, at the user's request."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sarlra.errors import AssetError, ModelError
from sarlra.models.files import MAX_BYTES, sha256
from sarlra.models.folders import registered_folder
from sarlra.models.info import ModelInfo
from sarlra.models.mlm import is_shipped

logger = logging.getLogger(__name__)
#: Seconds to wait for an answer, and for a connection.
_ANSWER_S, _CONNECT_S = 30.0, 10.0
_SHA256_MULTIHASH = "1220"


@dataclass(frozen=True, slots=True)
class Registered:
    """Weights that somebody publishes and that can be fetched from there.

    ``size`` is in bytes and ``sha256`` hex, both of the file at ``url``; ``licence`` is what the
    user has to accept.
    """

    name: str
    title: str
    url: str
    size: int
    sha256: str
    licence: str
    architecture: str
    filters: int
    orbit_state: Literal["ascending", "descending"]


def list_registered() -> tuple[Registered, ...]:
    """All registered weights, by name; the items of shipped models are left out."""
    found = (_read(path) for path in sorted(registered_folder().glob("*.json")))
    return tuple(entry for entry in found if entry is not None)


def find_registered(name: str) -> Registered:
    """Find registered weights by name.

    Raises
    ------
    ModelError
        No weights of that name are registered.
    """
    known = list_registered()
    for entry in known:
        if entry.name == name:
            return entry
    names = ", ".join(entry.name for entry in known)
    raise ModelError(f"no weights {name!r} are registered", hint=f"registered: {names}")


def pull(
    registered: Registered,
    *,
    accept: bool,
    progress: Callable[[int], None] | None = None,
) -> ModelInfo:
    """Download registered weights, verify size and sha256, and import them.

    Parameters
    ----------
    registered
        From :func:`find_registered`.
    accept
        That the user has read ``registered.licence`` and goes on.
    progress
        Called with the number of bytes of each piece that arrived.

    Returns
    -------
    ModelInfo
        Of the imported model, under the registered name.

    Raises
    ------
    ModelError
        Not accepted; what came is not what is registered; the name is taken by another model.
    AssetError
        The address does not answer, or not with the file.
    """
    if not accept:
        raise ModelError(
            f"{registered.name}: not fetched, as its licence note was not accepted: "
            f"{registered.licence}",
            hint="pass --accept once you have read it",
        )
    # Listing what could be fetched needs none of it.
    from sarlra.models.import_hdf5 import import_weights

    with tempfile.TemporaryDirectory(prefix="sarlra-pull-") as folder:
        file = Path(folder) / f"{registered.name}.hdf5"
        _download(registered, file, progress or (lambda _: None))
        return import_weights(
            file,
            name=registered.name,
            filters=registered.filters,
            architecture=registered.architecture,
            orbit_states=(registered.orbit_state,),
            licence=registered.licence,
        )


def _download(registered: Registered, file: Path, progress: Callable[[int], None]) -> None:
    """Stream to a file, never more than the registered size; check size and sum at the end."""
    import httpx

    url, received = registered.url, 0
    timeout = httpx.Timeout(_ANSWER_S, connect=_CONNECT_S)
    logger.info("fetching %s (%s bytes)", url, registered.size)
    try:
        with (
            httpx.stream("GET", url, timeout=timeout, follow_redirects=True) as response,
            file.open("wb") as out,
        ):
            response.raise_for_status()
            for piece in response.iter_bytes(2**16):
                received += len(piece)
                if received > registered.size:
                    raise ModelError(
                        f"{url}: is larger than the {registered.size:,} bytes registered",
                        hint="the publisher's file has changed, or something answers in its place",
                    )
                out.write(piece)
                progress(len(piece))
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise AssetError(
            f"{url}: answered {status} {error.response.reason_phrase}",
            hint="the publisher may have moved the file; fetch it by hand and use "
            "`sarlra models import`",
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AssetError(
            f"{url}: could not be fetched: {error or type(error).__name__}",
            hint="is the network up? Nothing was kept; try again",
        ) from error
    _verify(registered, file)


def _verify(registered: Registered, file: Path) -> None:
    data = file.read_bytes()
    if len(data) != registered.size:
        raise ModelError(
            f"{registered.url}: gave {len(data):,} bytes, not the {registered.size:,} registered",
            hint="the transfer was cut short, or the file has changed; try again",
        )
    if (found := sha256(data)) != registered.sha256:
        raise ModelError(
            f"{registered.url}: has sha256 {found}, not the {registered.sha256} registered",
            hint="the file is not the published one and was not kept",
        )


def _read(path: Path) -> Registered | None:
    """Read one registered item: STAC with the extensions MLM and file; None of a shipped model."""
    try:
        item: dict[str, Any] = json.loads(path.read_bytes())
        if is_shipped(item):
            return None
        properties, asset = item["properties"], item["assets"]["weights"]
        checksum = str(asset["file:checksum"])
        entry = Registered(
            name=str(item["id"]),
            title=str(properties["title"]),
            url=str(asset["href"]),
            size=int(asset["file:size"]),
            sha256=checksum.removeprefix(_SHA256_MULTIHASH),
            licence=str(properties["sarlra:licence_note"]),
            architecture=str(properties["mlm:architecture"]),
            filters=int(properties["mlm:hyperparameters"]["filters"]),
            orbit_state=properties["sat:orbit_state"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is no registered model: {error!r}") from error
    if not checksum.startswith(_SHA256_MULTIHASH) or len(entry.sha256) != 64:
        raise ModelError(f"{path}: its file:checksum is no sha2-256 multihash")
    if not 0 < entry.size <= MAX_BYTES or entry.orbit_state not in ("ascending", "descending"):
        raise ModelError(f"{path}: states a size or direction that cannot be")
    return entry
