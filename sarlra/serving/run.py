"""Running the server in this process until it is interrupted."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable
from pathlib import Path

from sarlra.errors import InputError
from sarlra.serving.place import open_place
from sarlra.serving.results import read_results


def run_server(
    place: str,
    *,
    host: str,
    port: int,
    names: tuple[str, ...],
    online: str | None = None,
    reviews: Path | None = None,
    token: str | None = None,
    triage: Path | None = None,
    prefix: str = "",
    behind_proxy: bool = False,
    ready: Callable[[str, int, int], None],
) -> None:
    """Serve a catalogue; returns when interrupted.

    Parameters
    ----------
    names
        Names by which it may be addressed; empty for loopback's own, or any on other addresses.
    online
        ``default`` or a file: layers from other hosts that the page may show.
    reviews, token
        Folder of reviews that are shown; with a token they can be written too.
    triage
        File of ``sarlra triage``, shown with the detections.
    prefix, behind_proxy
        Path that a proxy in front has the server under; whether its headers are believed.
    ready
        Called with URL, number of items, and number of what was left out, once it listens.

    Raises
    ------
    InputError
        There is no catalogue, the address cannot be listened on, or ``sarlra[serve]`` is missing.
    """
    # It asks for settings in the environment before it sees those that are given.
    logging.getLogger("stac_fastapi.types.config").setLevel(logging.ERROR)
    try:
        import uvicorn

        from sarlra.serving.app import make_app
        from sarlra.serving.downloads import read_triage
        from sarlra.serving.online import read_online_layers
        from sarlra.serving.proxy import BehindProxy, checked_prefix
        from sarlra.serving.reviews import ReviewDesk
    except ModuleNotFoundError as error:
        raise InputError(
            f"the server needs {error.name}", hint="pip install 'sarlra[serve]'"
        ) from error
    results = read_results(open_place(place))
    loopback = is_loopback(host)
    hosts = names or (("localhost", "127.0.0.1", "[::1]") if loopback else ("*",))
    layers = None
    if online is not None:
        layers = read_online_layers(None if online == "default" else Path(online))
    desk = None if reviews is None else ReviewDesk(reviews, token)
    ranked = None if triage is None else read_triage(triage)
    path = checked_prefix(prefix)
    app = BehindProxy(make_app(results, hosts, layers, desk, ranked), path, trusting=behind_proxy)
    listener = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    with listener:
        ready(
            f"http://{shown}:{listener.getsockname()[1]}{path}",
            len(results.items),
            len(results.rejected),
        )
        config = uvicorn.Config(
            app, log_level="warning", proxy_headers=False, server_header=False,
            limit_concurrency=256, timeout_keep_alive=5, h11_max_incomplete_event_size=64 * 2**10,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise InputError(
            f"cannot listen on {host} port {port}: {error.strerror or error}",
            hint="give another --port, or --port 0 for a free one",
        ) from error
    return listener
