"""Finds the data files of ``catalogs/``, in a checkout and in an installed package."""

from __future__ import annotations

from pathlib import Path

from sarlra.catalogs import catalogs_folder


def catalogs_file(*parts: str) -> Path:
    """Path of a file of ``catalogs/``; FileNotFoundError where the installation is incomplete."""
    path = catalogs_folder().joinpath(*parts)
    if not path.is_file():
        raise FileNotFoundError(f"catalogs/{'/'.join(parts)} is missing from this installation")
    return path
