"""What the environment can set; ``docs/settings.md`` has the table, and a test compares the two.

Only what belongs to the place where the program runs is here: choices that change a number of the
result are in the recipe. Secrets are read by the libraries that need them and never stored.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sarlra.errors import InputError


class ClusterSettings(BaseSettings):
    """How jobs are spread over workers; read from ``SARLRA_CLUSTER_*``."""

    model_config = SettingsConfigDict(env_prefix="SARLRA_CLUSTER_", frozen=True)

    workers_min: Annotated[int, Field(ge=0, le=100_000)] = 1
    """Workers that an adaptive cluster (kubernetes, gateway) keeps."""
    workers_max: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Workers that it may grow to; also the most that a local cluster starts."""
    in_flight: Annotated[int, Field(ge=1, le=100)] = 2
    """Futures under way for each worker."""
    retries: Annotated[int, Field(ge=0, le=20)] = 2
    """How often a job is run again whose failure may pass."""
    retry_wait_s: Annotated[float, Field(ge=0, le=3600)] = 5.0
    """Seconds before the first of these; doubled each time."""
    alone_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """Seconds without any worker after which a run gives up."""
    resources: str = ""
    """Worker resources that a job takes, such as ``GPU=1``; workers without them get no job."""
    read_resources: str = ""
    """Those that reading and compositing takes; with them a job is two tasks, which may run on
    different workers."""
    score_resources: str = ""
    """Those that scoring and writing takes, such as ``GPU=1``; likewise."""
    dashboard: str = ""
    """Address at which a local cluster shows dask's dashboard, such as 127.0.0.1:8787."""

    @property
    def local_resources(self) -> dict[str, float]:
        """What each worker of a local cluster offers: all that any task asks for."""
        named = (self.resources, self.read_resources, self.score_resources)
        return {name: amount for text in named for name, amount in resources_of(text).items()}


def cluster_settings() -> ClusterSettings:
    """The settings of the environment.

    Raises
    ------
    InputError
        A variable has a value that cannot be used; the message names it.
    """
    try:
        return ClusterSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "SARLRA_CLUSTER_" + ".".join(str(part) for part in first["loc"]).upper()
        raise InputError(
            f"the environment variable {name} cannot be used: {first['msg']}",
            hint="docs/settings.md has the table",
        ) from error


def resources_of(text: str) -> dict[str, float]:
    """``GPU=1,IO=0.5`` as dask takes it.

    Raises
    ------
    InputError
        The text is not of this form.
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, amount = part.partition("=")
        try:
            found[name.strip()] = float(amount)
        except ValueError as error:
            raise InputError(
                f"worker resources {text!r} cannot be read", hint="write GPU=1 or GPU=1,IO=2"
            ) from error
    return found
