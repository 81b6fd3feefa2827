"""The map page as the front end's build left it beside this module, and what it is told."""

from __future__ import annotations

from pathlib import Path

#: Where the build hook puts the page; absent where the package was installed without Node.
FOLDER = Path(__file__).resolve().parent / "map"
HOW_TO_BUILD = "run `make viewer`, or install the package again where npm can be reached"


def is_built() -> bool:
    """Whether there is a page to serve."""
    return (FOLDER / "index.html").is_file()


def policy(origins: tuple[str, ...] = ()) -> str:
    """The page's content security policy: its own scripts, this host, and ``origins`` for data."""
    others = "".join(f" {origin}" for origin in origins)
    return (
        "default-src 'none'; script-src 'self'; worker-src 'self' blob:; "
        "style-src 'self' 'unsafe-inline'; font-src 'self'; manifest-src 'self'; "
        f"img-src 'self' data: blob:{others}; connect-src 'self'{others}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
