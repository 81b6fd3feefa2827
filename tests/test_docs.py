"""What the documents name exists: files, modules, commands, options."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer

from sarlra.cli.app import app
from tests.conftest import ROOT

#: All but the changelog, which tells of what was.
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")} - {ROOT / "CHANGELOG.md"})
TREES = ("sarlra", "flows", "benchmarks", "tests", "docs", "infra", "catalogs", "viewer", ".ci")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```[^\n]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
NAMED = re.compile(rf"(?<![\w/.-])(?:{'|'.join(map(re.escape, TREES))})/[\w./-]+")
MODULE = re.compile(r"(?<![\w/.])sarlra(?:\.[a-z_][a-z0-9_]*)+")
SCRIPT = re.compile(r"python3? ((?:benchmarks|flows|viewer)/\w+\.py)([^\n|;&]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
REFERRED = re.compile(r":(?:func|class|data|meth|mod|attr|exc):`~?([\w.]+)`")
WRITTEN_BY_RUNS = ("docs/results/", "sarlra/serving/map")


def code_of(page: Path) -> Iterator[str]:
    """Pieces of code on a page, continued lines joined."""
    for block, inline in CODE.findall(page.read_text(encoding="utf-8")):
        yield re.sub(r"\s*\\\n\s*", " ", block or inline)


@cache
def root_command() -> Any:
    return typer.main.get_command(app)


def commands_in(code: str) -> Iterator[tuple[str, list[str]]]:
    """(line, its words after ``sarlra``) of each call of the command line in a piece of code."""
    for line in code.splitlines():
        for call in re.split(r"\||&&|;", line):
            words = call.split("#")[0].split()
            while words and (words[0] == "$" or re.fullmatch(r"[A-Z_]+=\S*", words[0])):
                words = words[1:]
            if words and words[0] in ("sarlra", ".venv/bin/sarlra") and len(words) > 1:
                yield call.strip(), words[1:]


def unknown_in(words: list[str]) -> str | None:
    """What of a call the command line does not have; None where it has all."""
    command = root_command()
    while (within := getattr(command, "commands", {})) and words and words[0][0] not in "-<[":
        names = words[0].split("|")
        if lacking := next((name for name in names if name not in within), None):
            return lacking
        command, words = within[names[0]], words[1:]
    known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)} | {"--help"}
    return next((o for o in OPTION.findall(" ".join(words)) if o not in known), None)


def test_there_are_pages_and_they_name_commands() -> None:
    """The search itself works, so that an empty result means something."""
    assert {"README.md", "CONTRIBUTING.md"} <= {page.name for page in PAGES}
    calls = [words for page in PAGES for code in code_of(page) for _, words in commands_in(code)]
    assert len(calls) > 30
    assert unknown_in(["detekt", "x"]) == "detekt"
    assert unknown_in(["catalog", "verify", "--no-such"]) == "--no-such"
    assert unknown_in(["detect", "x", "--no-quality"]) is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in LINK.findall(text) if not urlsplit(link).scheme]
    gone = [link for link in links if not (page.parent / urlsplit(link).path).exists()]
    paths = {path.rstrip(".") for path in NAMED.findall(text)}
    gone += [
        path
        for path in sorted(paths)
        if not path.startswith(WRITTEN_BY_RUNS) and not (ROOT / path).exists()
    ]
    assert "\n".join(gone) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_their_options_exist(page: Path) -> None:
    calls = [call for code in code_of(page) for call in commands_in(code)]
    assert [(line, gone) for line, words in calls if (gone := unknown_in(words))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_scripts_and_their_options_exist(page: Path) -> None:
    gone = []
    for code in code_of(page):
        for name, words in SCRIPT.findall(code):
            script = ROOT / name
            known = script.read_text(encoding="utf-8") if script.exists() else ""
            gone += [
                f"{name} {option}"
                for option in OPTION.findall(words)
                if f'"{option}"' not in known and f" {option[2:].replace('-', '_')}:" not in known
            ]
    assert "\n".join(gone) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_and_their_members_exist(page: Path) -> None:
    named = {name for code in code_of(page) for name in MODULE.findall(code)}
    assert [name for name in sorted(named) if not exists(name)] == []


def test_what_docstrings_refer_to_exists() -> None:
    """Whole names (``:func:`sarlra.x.y```), names of the same file, and paths."""
    gone = []
    for file in sorted(ROOT.glob("sarlra/**/*.py")):
        text = file.read_text(encoding="utf-8")
        own = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for name in REFERRED.findall(text):
            if not exists(name if name.startswith("sarlra.") else f"{own}.{name}"):
                gone.append(f"{file.relative_to(ROOT)}: {name}")
        gone += [
            f"{file.relative_to(ROOT)}: {path}"
            for path in NAMED.findall(text)
            if path.endswith((".py", ".md")) and not (ROOT / path).exists()
        ]
    assert "\n".join(gone) == ""


def exists(name: str) -> bool:
    """Whether a dotted name is a module of the package, or a member of one."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:cut])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.is_file():
            return has(members(file), parts[cut:])
    return False


def has(body: list[ast.stmt], parts: list[str]) -> bool:
    """Whether a body defines or imports a name, and that name, if it is a class, the next."""
    if not parts:
        return True
    for node in ast.walk(ast.Module(body, [])):
        if isinstance(node, ast.ClassDef) and node.name == parts[0]:
            return has(node.body, parts[1:])
        if parts[0] in names_of(node):
            return True
    return False


def names_of(node: ast.AST) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Name(id=name, ctx=ast.Store()):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name for alias in names}
    return set()


@cache
def members(file: Path) -> list[ast.stmt]:
    return ast.parse(file.read_text(encoding="utf-8")).body
