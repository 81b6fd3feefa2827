"""Results of a long benchmark, kept one by one: a run that is cut goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Records:
    """JSON values by name, each in a file of its own.

    ``most`` is how many may be measured before the run ends; None for all.
    """

    folder: Path
    most: int | None = None

    def get(self, name: str, measure: Callable[[], Any]) -> Any:
        """What stands under a name, measured where nothing does; None when enough was measured."""
        path = self.folder / f"{name}.json"
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
        if self.most is not None:
            if self.most < 1:
                return None
            self.most -= 1
        value = measure()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(value), encoding="utf-8")
        part.replace(path)
        return value
