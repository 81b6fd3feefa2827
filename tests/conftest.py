"""What all tests share: where the real data lies, and a quiet, offline environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; skips where it is absent, except in CI, where that is a failure."""
    given = os.environ.get("SARLRA_SHARED_DATA", ROOT.parent / "shared" / "data")
    folder = Path(given).resolve()  # hrefs that are compared are resolved too
    if not (folder / "README.md").is_file():
        reason = f"no real data at {folder} (set SARLRA_SHARED_DATA)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
