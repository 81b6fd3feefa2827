"""The command line. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Entry point of ``sarlra``: runs a command, shows errors as one clear message, exits."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
    from sarlra.cli.app import app
    from sarlra.cli.console import report_error
    from sarlra.errors import SarlraError

    try:
        app()
    except SarlraError as error:
        sys.exit(report_error(error, as_json="--json" in sys.argv))
