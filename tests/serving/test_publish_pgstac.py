"""Publishing to the real stac-fastapi-pgstac on the real PostgreSQL."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pystac_client
import pytest
from pgstac_programs import binaries, running_api
from serving_world import EVENT, add, refold

from sarlra.catalog.sink import open_sink
from sarlra.errors import CatalogError, InputError
from sarlra.serving.place import open_place
from sarlra.serving.results import read_results
from sarlra.serving.transactions import Api, publish, withdraw

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
ASSETS = "https://files.example/out"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    programs = binaries()
    if programs is None:
        reason = "PostgreSQL with PostGIS is not installed"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    # Not below pytest's folder, into which the user of the database may not look.
    with tempfile.TemporaryDirectory(prefix="sarlra-pg-") as folder:
        Path(folder).chmod(0o755)
        with running_api(Path(folder) / "db", programs) as url:
            yield url


def test_publish_search_supersede_withdraw(api: str, copy: Path) -> None:
    results = read_results(open_place(str(copy)))
    connection = Api(api)
    first = publish(results, connection, ASSETS)
    assert sorted(first.added) == sorted([EVENT, *results.items])
    assert first.changed == first.unchanged == []

    again = publish(results, connection, ASSETS)
    assert again.added == again.changed == []
    assert sorted(again.unchanged) == sorted([EVENT, *results.items])

    client = pystac_client.Client.open(api)
    current = {"op": "isNull", "args": [{"property": "deprecated"}]}
    found = {i.id: i for i in client.search(filter=current, filter_lang="cql2-json").items()}
    assert len(found) == 2
    old = next(name for name in results.items if name.endswith("_v1"))
    assert old not in found
    item = found[old.removesuffix("v1") + "v2"]
    assert item.assets["scores"].href == f"{ASSETS}/items/{item.id}/scores.tif"
    assert item.get_single_link("predecessor-version").href.endswith(f"/items/{old}")
    many = {"op": ">", "args": [{"property": "sarlra:n_pre"}, 4]}
    assert len(list(client.search(filter=many, collections=[EVENT]).items())) == 3

    sink = open_sink(str(copy))
    newest = add(sink, "v3")
    kept = next(name for name in found if name != item.id)
    refold(sink, [newest, kept])
    changed = publish(read_results(open_place(str(copy))), connection, ASSETS)
    assert changed.added == [newest]
    assert sorted(changed.changed) == sorted([EVENT, item.id, old])
    assert changed.unchanged == [kept]
    superseded = connection.get(f"/collections/{EVENT}/items/{item.id}")
    assert superseded is not None
    assert superseded["properties"]["deprecated"] is True
    links = {link["rel"]: link["href"] for link in superseded["links"]}
    assert links["latest-version"].endswith(f"/items/{newest}")
    assert {i.id for i in client.search(filter=current).items()} == {newest, kept}

    assert withdraw(connection, EVENT, newest)
    assert connection.get(f"/collections/{EVENT}/items/{newest}") is None
    assert not withdraw(connection, EVENT, newest)
    with pytest.raises(InputError, match="is no id"):
        withdraw(connection, EVENT, "../../x")


def test_what_cannot_be_written_to_is_refused(made: Path) -> None:
    with pytest.raises(InputError, match="no URL"):
        Api("file:///etc")
    with pytest.raises(InputError, match="only sent over https"):
        Api("http://example.org/stac", token="secret")
    with pytest.raises(CatalogError, match="no answer"):
        Api("http://127.0.0.1:9")
