"""Workers that do not sample what they run, on a cluster of any kind."""

from __future__ import annotations

from typing import Any

from distributed import profile
from distributed.diagnostics.plugin import WorkerPlugin


class Unsampled(WorkerPlugin):
    """Stops the sampling of call stacks on a worker, and forgets what was sampled.

    dask looks at every task's stack a hundred times a second and keeps trees of what it saw for
    its dashboard, a new one each second, a thousand of them. A job goes through many libraries:
    its trees were 0.4 MiB, the whole growth of a worker (docs/scaling.md). A worker that was
    started with ``DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False`` never samples.
    """

    name = "sarlra-unsampled"
    idempotent = True

    def setup(self, worker: Any) -> None:
        """Called by dask on each worker, also on those that join later."""
        for name in ("profile", "profile-cycle"):
            if (sampling := worker.periodic_callbacks.pop(name, None)) is not None:
                sampling.stop()
        worker.profile_recent = profile.create()
        for kept in (worker.profile_keys, worker.profile_history, worker.profile_keys_history):
            kept.clear()
