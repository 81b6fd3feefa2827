"""Finds the data files of ``catalogs/``, in a checkout and in an installed package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def catalogs_file(*parts: str) -> Path:
    """Path of a file of ``catalogs/``; FileNotFoundError where the installation is incomplete."""
    for base in (_PACKAGE / "_catalogs", _PACKAGE.parent / "catalogs"):
        if (path := base.joinpath(*parts)).is_file():
            return path
    raise FileNotFoundError(f"catalogs/{'/'.join(parts)} is missing from this installation")
