"""Carrying a plan out: stores prepared, jobs run, what stands folded into the catalogue."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain

from sarlra.catalog.collection import FoldResult, fold
from sarlra.catalog.sink import Sink, open_sink
from sarlra.composites.store import create_group, remove_group
from sarlra.detection.suppress import suppress
from sarlra.errors import JobsFailedError
from sarlra.jobs.cluster import run_jobs
from sarlra.jobs.job import Job, Outcome, Status
from sarlra.jobs.plan import Plan, Request, make_plan
from sarlra.jobs.quality import assess_jobs
from sarlra.jobs.run_job import HALVES, run_job
from sarlra.scenes.frozen import freeze_bytes
from sarlra.scenes.model import Scenes
from sarlra.scenes.polarisations import Chosen

_STATUSES: tuple[Status, ...] = ("done", "empty", "skipped", "failed")


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did: outcomes in the order of item ids, and the folded collection."""

    outcomes: tuple[Outcome, ...]
    folded: FoldResult

    @property
    def counts(self) -> dict[str, int]:
        """Number of outcomes by status."""
        found = Counter(outcome.status for outcome in self.outcomes)
        return {name: found[name] for name in _STATUSES}


def prepare(request: Request, chosen: Chosen) -> Plan:
    """Plan a request against what its sink holds already; writes nothing.

    Raises
    ------
    OutputError
        The sink holds something else than a catalogue of this package.
    """
    href = inputs_href(request, chosen.scenes)
    return make_plan(request, chosen, open_sink(request.sink), href)


def execute(
    plan: Plan, cluster: str, on_outcome: Callable[[Outcome], None] = lambda _: None
) -> Run:
    """Run the jobs of a plan that do not stand yet, and fold the results into the catalogue.

    Parameters
    ----------
    cluster
        See :func:`sarlra.jobs.cluster.run_jobs`.
    on_outcome
        Called once per job of the plan, as results come.

    Raises
    ------
    JobsFailedError
        Every job failed: what the run had begun is taken away again.
    """
    sink = open_sink(plan.request.sink)
    outcomes = list(plan.standing)
    for outcome in outcomes:
        on_outcome(outcome)
    if plan.todo:
        inputs, frozen = inputs_href(plan.request, plan.scenes), freeze_bytes(plan.scenes)
        if sink.size(inputs) != len(frozen):  # its name is of its content
            sink.put_bytes(inputs, frozen)
        _create_groups(sink, plan)
    ready, unread = assess_jobs(plan.todo)
    for outcome in chain(unread, run_jobs(ready, run_job, cluster, HALVES)):
        outcomes.append(outcome)
        on_outcome(outcome)
    outcomes.sort(key=lambda outcome: outcome.item_id)
    failed = {outcome.job_id for outcome in outcomes if outcome.status == "failed"}
    _remove_empty_groups(sink, plan.jobs, failed)
    if len(failed) == len(plan.jobs):
        _take_back(sink, plan)
        first = outcomes[0]
        raise JobsFailedError(
            f"all {len(failed)} jobs failed; {first.item_id}: {first.reason}", hint=first.hint
        )
    names = [outcome.item_id for outcome in outcomes if outcome.job_id not in failed]
    folded = fold(sink, plan.request.event, item_ids=names, suppress=suppress)
    return Run(tuple(outcomes), folded)


def inputs_href(request: Request, scenes: Scenes) -> str:
    """Where the frozen scenes of a request lie, relative to its sink."""
    digest = hashlib.sha256(freeze_bytes(scenes)).hexdigest()[:8]
    return f"collections/{request.event.id}/inputs-{digest}.json"


def _groups(jobs: Iterable[Job]) -> dict[tuple[str, str], list[Job]]:
    found: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        found[job.store, job.group].append(job)
    return found


def _create_groups(sink: Sink, plan: Plan) -> None:
    """Write the stores' metadata once, before any job writes its region."""
    waited_for = set(_groups(plan.todo))
    for (store, group), jobs in sorted(_groups(plan.jobs).items(), key=lambda entry: entry[0]):
        if (store, group) not in waited_for:
            continue
        facts = {
            "sarlra:event": jobs[0].event.id,
            "sarlra:track": jobs[0].track.id,
            "sarlra:recipe_hash": jobs[0].recipe.hash(),
        }
        create_group(sink.url_of(store), group, [j.tile for j in jobs], jobs[0].recipe, facts)


def _remove_empty_groups(sink: Sink, jobs: Iterable[Job], failed: set[str]) -> None:
    """Take away the groups of which no job succeeded: nothing may stay half written."""
    for (store, group), members in _groups(jobs).items():
        if all(job.id in failed for job in members):
            remove_group(sink.url_of(store), group)


def _take_back(sink: Sink, plan: Plan) -> None:
    """Remove the frozen inputs of a run that made nothing, unless an earlier run left them."""
    if not sink.exists("catalog.json"):
        sink.delete(inputs_href(plan.request, plan.scenes))
