"""What a scan leaves: its outcomes in a table, and what stands folded into the catalogue."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sarlra.catalog.collection import FoldResult, fold
from sarlra.catalog.sink import Sink, open_sink
from sarlra.composites.store import remove_group
from sarlra.detection.suppress import suppress
from sarlra.errors import CatalogError, JobsFailedError
from sarlra.events.event import Event
from sarlra.jobs.job import Outcome
from sarlra.scan.outcomes import OutcomeLog, in_order, put_outcomes
from sarlra.scan.plan import ScanPlan

_FOLD_WAITS_S = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class ScanRun:
    """What a scan did: its outcomes in the order of item ids, and one fold for each event."""

    outcomes: tuple[Outcome, ...]
    folds: tuple[FoldResult, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of jobs done, empty, skipped (stood already), rejected by the fold, failed."""
        found = Counter(outcome.status for outcome in self.outcomes)
        counts = {name: found[name] for name in ("done", "empty", "skipped")}
        counts["rejected"] = sum(len(folded.rejected) for folded in self.folds)
        return counts | {"failed": found["failed"]}

    @property
    def failures(self) -> dict[str, int]:
        """Failed jobs by code."""
        return dict(sorted(Counter(o.code or "" for o in self.outcomes if o.code).items()))


def outcome_log(plan: ScanPlan) -> OutcomeLog:
    """Where the outcomes of a run of the plan are kept while it goes on."""
    return OutcomeLog(open_sink(plan.requests[0].sink), _outcomes_of(plan), plan.standing)


def finish(plan: ScanPlan, outcomes: Sequence[Outcome]) -> ScanRun:
    """Record the outcomes and fold what stands into the catalogue, once for each event.

    Without outcomes that is a fold on demand, of the jobs of the plan that stand already.

    Raises
    ------
    CatalogError
        There are no outcomes, and nothing stands.
    JobsFailedError
        Every job failed: the composites' groups are taken away again.
    """
    sink = open_sink(plan.requests[0].sink)
    if not (plan.standing or outcomes):
        raise CatalogError(
            f"nothing of this scan stands in {sink.root}",
            hint="run it first, with the same choices",
        )
    ordered = in_order([*plan.standing, *outcomes])
    good = [outcome for outcome in ordered if outcome.status != "failed"]
    if any(outcome.status != "skipped" for outcome in outcomes):
        put_outcomes(sink, ordered, _outcomes_of(plan))
    if outcomes:
        _remove_empty_groups(plan, sink, {outcome.job_id for outcome in good})
    if not good:
        first = ordered[0]
        raise JobsFailedError(
            f"all {len(ordered)} jobs failed; {first.item_id}: {first.reason}", hint=first.hint
        )
    folds = []
    for request in plan.requests:
        prefix = f"{request.event.id}_"
        names = [o.item_id for o in good if o.item_id.startswith(prefix)]
        if names:
            folds.append(_fold(sink, request.event, names))
    return ScanRun(ordered, tuple(folds))


def _outcomes_of(plan: ScanPlan) -> tuple[str, ...]:
    return tuple(f"collections/{r.event.id}/outcomes.parquet" for r in plan.requests)


def _remove_empty_groups(plan: ScanPlan, sink: Sink, good: set[str]) -> None:
    """Take away the groups of which no job stands: nothing may stay half written."""
    kept = {outcome.item_id for outcome in plan.standing}
    states: dict[tuple[str, str], bool] = {}
    for name in plan.cells:
        for entry in plan.read_cell(name).entries:
            if entry.job is not None:
                key = (entry.job.store, entry.job.group)
                standing = entry.outcome is not None and entry.outcome.item_id in kept
                states[key] = states.get(key, False) or standing or entry.job.id in good
    for (store, group), used in sorted(states.items()):
        if not used:
            remove_group(sink.url_of(store), group)


def _fold(sink: Sink, event: Event, names: Sequence[str]) -> FoldResult:
    """Fold, patiently: another run of the same scan may be writing one of the items again."""
    for wait in _FOLD_WAITS_S:
        try:
            return fold(sink, event, item_ids=names, suppress=suppress)
        except CatalogError:
            time.sleep(wait)
    return fold(sink, event, item_ids=names, suppress=suppress)
