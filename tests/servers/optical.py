"""Another host with base map tiles and scenes of Sentinel-2, as the map page asks for them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from tests.servers.base import LocalServer, Reply, Request

_ANYONE = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}


class OpticalServer(LocalServer):
    """``/search`` finds three scenes on each side of the event; all else is a green tile."""

    def layers(self) -> dict[str, Any]:
        """The file that ``sarlra serve --online`` takes."""
        base = {"id": "base", "title": "Base", "tiles": f"{self.url}/base/{{z}}/{{x}}/{{y}}"}
        return {
            "basemaps": [base],
            "sentinel2": {
                "search": f"{self.url}/search",
                "collection": "sentinel-2-l2a",
                "tiles": f"{self.url}/scene/{{z}}/{{x}}/{{y}}?item={{item}}",
            },
        }

    def reply(self, request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(headers=_ANYONE)
        if request.path == "/search":
            start = str(request.body["datetime"]).split("/")[0]
            found = [
                {
                    "id": f"S2-{start[:10]}-{cloud}",
                    "properties": {"datetime": start, "eo:cloud_cover": cloud},
                }
                for cloud in (30, 5, 12)
            ]
            return Reply.json({"type": "FeatureCollection", "features": found}, **_ANYONE)
        stream = io.BytesIO()
        Image.new("RGB", (256, 256), (30, 160, 60)).save(stream, "PNG")
        return Reply(200, stream.getvalue(), {**_ANYONE, "Content-Type": "image/png"})
