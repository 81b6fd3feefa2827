from __future__ import annotations

import os
import pickle
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest

from sarlra.catalog.folder import FolderSink
from sarlra.catalog.root import root_bytes
from sarlra.catalog.sink import Sink, open_sink
from sarlra.errors import CatalogError, OutputError, StoreError


@pytest.fixture(params=["folder", "memory"])
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sink]:
    if request.param == "folder":
        yield open_sink(str(tmp_path / "new" / "out"))
        return
    url = f"memory://{uuid.uuid4().hex}/out"
    yield open_sink(url)
    fsspec.filesystem("memory").store.clear()


def test_what_is_put_comes_back(sink: Sink, tmp_path: Path) -> None:
    local = tmp_path / "local.bin"
    local.write_bytes(b"local")
    sink.put_bytes("items/a/a.json", b"{}")
    sink.put_file(local, "items/a/data.bin")
    sink.put_bytes("items/a/a.json", b"[1]")
    assert sink.read_bytes("items/a/a.json") == b"[1]"
    assert sink.size("items/a/data.bin") == 5
    assert sink.exists("items/a/data.bin")
    assert not sink.exists("items/a")
    assert sink.size("items/a") is None
    with sink.open("items/a/data.bin") as stream:
        stream.seek(2)
        assert stream.read() == b"cal"
    sink.delete("items/a/data.bin")
    sink.delete("items/a/data.bin")
    assert not sink.exists("items/a/data.bin")
    assert sink.url_of("items/a/a.json") == f"{sink.root}/items/a/a.json"


def test_lists_only_what_stands(sink: Sink) -> None:
    assert sink.list_items() == ()
    assert sink.list_collections() == ()
    for name in ("b", "a"):
        sink.put_bytes(f"items/{name}/{name}.json", b"{}")
        sink.put_bytes(f"collections/{name}/collection.json", b"{}")
    sink.put_bytes("items/unfinished/change.tif", b"")
    sink.put_bytes("items/other/name.json", b"{}")
    sink.put_bytes("collections/c/inputs.json", b"{}")
    sink.put_bytes("items/a/x/x.json", b"{}")
    sink.put_bytes("items/c.json", b"{}")
    assert sink.list_items() == ("a", "b")
    assert sink.list_collections() == ("a", "b")


@pytest.mark.parametrize(
    "rel", ["../x", "/etc/x", "a/../../x", "", "a//b", "a/./b", "a\\..\\b", "a\0b"]
)
def test_paths_never_leave_the_root(sink: Sink, rel: str) -> None:
    with pytest.raises(StoreError, match="no path within"):
        sink.put_bytes(rel, b"")
    with pytest.raises(StoreError, match="no path within"):
        sink.exists(rel)


def test_missing_file_is_named(sink: Sink) -> None:
    with pytest.raises(CatalogError, match=r"nothing\.json"):
        sink.read_bytes("nothing.json")
    with pytest.raises(CatalogError, match=r"nothing\.json"):
        sink.open("nothing.json")


def test_sinks_travel_to_workers(sink: Sink) -> None:
    sink.put_bytes("x", b"1")
    assert pickle.loads(pickle.dumps(sink)).read_bytes("x") == b"1"


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    sink.put_bytes("a/file", b"old")
    with pytest.raises(StoreError, match="file"):
        sink.put_file(tmp_path / "absent", "a/file")
    assert sink.read_bytes("a/file") == b"old"
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["file"]


def test_deleting_takes_empty_folders_away_but_not_the_root(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    sink.put_bytes("a/b/one", b"")
    sink.put_bytes("a/two", b"")
    sink.delete("a/b/one")
    assert [p.name for p in tmp_path.rglob("*")] == ["a", "two"]
    sink.delete("a/two")
    assert list(tmp_path.iterdir()) == []


def test_writers_and_deleters_of_one_folder_do_not_fail_each_other(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)

    def write_and_delete(number: int) -> None:
        for _ in range(200):
            sink.put_bytes(f"shared/{number}", b"x")
            assert sink.read_bytes(f"shared/{number}") == b"x"
            sink.delete(f"shared/{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_and_delete, range(4)))


def test_write_over_a_full_disk_is_a_store_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with pytest.raises(StoreError, match="cannot write"):
        FolderSink(Path("/dev/full/out")).put_bytes("x", b"1")


def test_new_and_empty_and_hidden_are_welcome_and_untouched(tmp_path: Path) -> None:
    open_sink(str(tmp_path / "absent"))
    assert not (tmp_path / "absent").exists()
    (tmp_path / ".hidden").touch()
    open_sink(str(tmp_path))
    open_sink(f"file://{tmp_path}")


def test_own_catalogue_and_cut_off_run_are_taken_up(tmp_path: Path) -> None:
    (tmp_path / "collections" / "e").mkdir(parents=True)
    (tmp_path / "items").mkdir()
    open_sink(str(tmp_path))
    (tmp_path / "catalog.json").write_bytes(root_bytes([]))
    (tmp_path / "notes.txt").touch()
    open_sink(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"mine"),
        ("catalog.json", b'{"type": "Catalog", "id": "other"}'),
        ("catalog.json", b"[]"),
        ("catalog.json", b"\xff\xfe"),
        ("catalog.json", b'{"sarlra:layout": "99"}'),
        ("catalog.json", b"[" * 100_000),
    ],
)
def test_something_else_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OutputError, match=r"holds something else.*empty folder"):
        open_sink(str(tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


def test_folder_with_items_alone_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "items").mkdir()
    with pytest.raises(OutputError, match="something else"):
        open_sink(str(tmp_path))


def test_objects_of_others_are_refused() -> None:
    url = f"memory://{uuid.uuid4().hex}"
    fsspec.filesystem("memory").pipe_file(f"{url}/data.csv", b"1")
    with pytest.raises(OutputError, match="something else"):
        open_sink(url)
    with pytest.raises(OutputError, match="is a file"):
        open_sink(f"{url}/data.csv")


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(OutputError, match="is a file"):
        open_sink(str(tmp_path / "x"))
    with pytest.raises(OutputError, match="cannot be written"):
        open_sink(str(tmp_path / "x" / "below"))


def _refusal(folder: str) -> str:
    try:
        open_sink(folder)
    except OutputError as error:
        return str(error)
    return "not refused"


def test_unwritable_folder_is_refused() -> None:
    with tempfile.TemporaryDirectory(prefix="sarlra-test-") as folder:
        Path(folder).chmod(0o555)
        if os.geteuid() == 0:  # root may write everywhere: ask as somebody else, in a child
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                os.setuid(65534)
                os.write(write, _refusal(f"{folder}/out").encode())
                os._exit(0)
            os.close(write)
            with os.fdopen(read) as stream:
                said = stream.read()
            os.waitpid(child, 0)
        else:
            said = _refusal(f"{folder}/out")
        Path(folder).chmod(0o755)
    assert "cannot be written" in said


def test_unknown_protocol_is_named() -> None:
    with pytest.raises(OutputError, match=r"no support for gopher://"):
        open_sink("gopher://host/x")
