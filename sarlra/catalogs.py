"""Where the data that the program knows lies: sources, study cases, models."""

from __future__ import annotations

from pathlib import Path

from sarlra.errors import InputError

_HERE = Path(__file__).resolve().parent


def catalogs_folder() -> Path:
    """The folder of catalogs: ``sarlra/_catalogs`` in a wheel, else the checkout's ``catalogs``.

    Raises
    ------
    InputError
        The package was installed without its catalogs.
    """
    for folder in (_HERE / "_catalogs", _HERE.parent / "catalogs"):
        if (folder / "sources").is_dir():
            return folder
    raise InputError(
        f"the catalogs of sources and study cases are not beside {_HERE}",
        hint="the installation is incomplete: install the package again",
    )
