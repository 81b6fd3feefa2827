"""What a stranger may cost: every bound of the server and of fetching, in one place."""

from __future__ import annotations

#: Items and collections of one catalogue that are read, and the largest JSON among them.
MAX_ITEMS = 200_000
MAX_COLLECTIONS = 5_000
MAX_DOCUMENT_BYTES = 16 * 2**20

#: Items of one page of a search.
DEFAULT_PAGE = 10
MAX_PAGE = 1_000
#: A search's body or query, nodes and depth of its filter, vertices of its geometry, ids listed.
MAX_BODY_BYTES = 256 * 2**10
MAX_QUERY_BYTES = 16 * 2**10
MAX_FILTER_NODES = 200
MAX_FILTER_DEPTH = 20
MAX_VERTICES = 10_000
MAX_IDS = 1_000

#: Tiles: edge in pixels, zoom, pixels of a raster without overviews, tiles made at once and kept.
TILE_SIZE = 256
MAX_ZOOM = 22
MAX_FLAT_PIXELS = 4_096 * 4_096
TILES_AT_ONCE = 4
TILES_KEPT = 1024
#: Pixels of a composite that one tile reads, and items that make one tile of an event.
MAX_STORE_PIXELS = 4_096 * 4_096
MAX_MOSAIC = 24

#: Bytes read from a file at a time.
BLOCK = 2**18

#: What may be fetched to repeat a result: one asset.
MAX_ASSET_BYTES = 2 * 2**30

#: A table of detections that is read whole.
MAX_TABLE_BYTES = 256 * 2**20
