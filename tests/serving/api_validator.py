"""stac-api-validator, with the schemas that it downloads answered from what lies on this machine.

Core schemas are those that travel with pystac, extensions those of the shared data, laid out as at
their public address. Everything else goes the usual way, to the server that is validated.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import requests
from pystac.validation.local_validator import get_local_schema_cache
from requests.adapters import BaseAdapter
from stac_api_validator.validations import QueryConfig, validate_api

EXTENSIONS = "https://stac-extensions.github.io/"
HOSTS = (EXTENSIONS, "https://schemas.stacspec.org/", "https://geojson.org/")


class Local(BaseAdapter):
    """Schemas from this machine; what is not there is 404, never asked for elsewhere."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        url = str(request.url).removesuffix("#")
        answer = requests.Response()
        answer.url, answer.request, answer.status_code = url, request, 404
        file = self.folder / url.removeprefix(EXTENSIONS)
        if (core := get_local_schema_cache().get(url)) is not None:
            answer.status_code, answer._content = 200, json.dumps(core).encode()
        elif url.startswith(EXTENSIONS) and file.is_file():
            answer.status_code, answer._content = 200, file.read_bytes()
        answer.headers["Content-Type"] = "application/json"
        return answer

    def close(self) -> None:
        pass


def main(root_url: str, collection: str, schemas: str) -> None:
    """Print ``warnings`` and ``errors`` as JSON."""
    plain = requests.Session.__init__

    def session(self: requests.Session, *args: Any, **options: Any) -> None:
        plain(self, *args, **options)
        for host in HOSTS:
            self.mount(host, Local(Path(schemas)))

    requests.Session.__init__ = session  # type: ignore[method-assign]
    box = [[141.0, 42.0], [143.0, 42.0], [143.0, 43.5], [141.0, 43.5], [141.0, 42.0]]
    warnings, errors = validate_api(
        root_url=root_url,
        ccs_to_validate=["core", "features", "collections", "item-search", "filter"],
        collection=collection,
        geometry=json.dumps({"type": "Polygon", "coordinates": [box]}),
        auth_bearer_token=None,
        auth_query_parameter=None,
        fields_nested_property=None,
        validate_pagination=True,
        query_config=QueryConfig(*[None] * 13),
        transaction_collection=None,
        headers={},
    )  # fmt: skip
    found = {"warnings": list(map(str, warnings)), "errors": list(map(str, errors))}
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
