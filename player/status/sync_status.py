"""Pure: what the status says of syncing, from the facts of the syncer."""

from collections.abc import Iterator
from math import isinf

from player.protocol.status import (
    AssetProblemStatus,
    BandwidthStatus,
    ReleaseState,
    ReleaseStatus,
    SourceStatus,
    SyncStatus,
)
from sync.device.sync_state import SyncFacts, SyncState
from sync.device.transfer.deadlines_and_rates import RateLimits
from sync.errors import trust_text
from sync.wire.device_reports import ComingRelease

OUT_OF_BUDGET = "budget"
"""What syncing waits for when the budget of the month is spent."""


def sync_status(
    facts: SyncFacts,
    now_s: float,
    *,
    reserve_bytes: int,
    spare_bytes: int,
    coming: ComingRelease | None,
    bytes_s: float | None,
) -> SyncStatus:
    """Return the status; `now_s` is the monotonic time of now, `bytes_s` the measured rate."""
    confirmed_s = facts.last_confirmed
    return SyncStatus(
        state=facts.state.value,
        release=facts.release,
        sequence=facts.sequence,
        preparing=facts.preparing,
        releases=tuple(release_status(facts)),
        coming=coming,
        bytes_s=None if bytes_s is None else round(bytes_s),
        bytes_to_do=facts.bytes_to_do,
        bytes_done=facts.bytes_done,
        age_s=None if confirmed_s is None else round(now_s - confirmed_s, 1),
        confirmed_at=facts.confirmed_at,
        problem=facts.problem,
        trust=facts.trust,
        trust_text=trust_text(facts.trust),
        refused=dict(facts.refused),
        waiting_s=round(facts.waiting_s, 1),
        waiting_for=OUT_OF_BUDGET if facts.out_of_budget else "",
        failing_assets=facts.failing_assets,
        reserve_bytes=reserve_bytes,
        spare_bytes=spare_bytes,
        asset_problems=tuple(
            AssetProblemStatus(asset=one.asset, problem=one.problem, waiting_s=round(one.waiting_s, 1))
            for one in facts.asset_problems
        ),
        sources=tuple(_sources(facts)),
        limits=bandwidth_status(facts.limits),
    )


def _sources(facts: SyncFacts) -> Iterator[SourceStatus]:
    for one in facts.sources:
        yield SourceStatus(
            name=one.name,
            url=one.url,
            received_bytes=one.bytes,
            bytes_s=round(one.bytes_s),
            errors=one.errors,
            problem=one.problem,
            waiting_s=round(one.waiting_s, 1),
        )


def bandwidth_status(limits: RateLimits) -> BandwidthStatus | None:
    """Return the limits in force as people set them, None if there are none."""
    if limits.is_none and limits.until is None:
        return None
    of_all, of_line = (None if isinf(one) else round(one / 125, 3) for one in (limits.all_bytes_s, limits.line_bytes_s))
    return BandwidthStatus(all_kbit_s=of_all, line_kbit_s=of_line, until=limits.until)


def release_status(facts: SyncFacts) -> Iterator[ReleaseStatus]:
    """Yield the releases that the device knows: the one that plays, the one that comes, and one that it refuses."""
    if facts.release is not None:
        yield ReleaseStatus(state="active", release=facts.release, sequence=facts.sequence)
    if facts.preparing is not None:
        state: ReleaseState = "known"
        if facts.no_room:
            state = "refused"
        elif facts.bytes_to_do > facts.bytes_done:
            state = "fetching" if facts.state is SyncState.FETCHING else "waiting"
        why = facts.problem if state in ("waiting", "refused") else ""
        yield ReleaseStatus(state=state, release=facts.preparing, sequence=facts.accepted_sequence, why=why)
    if facts.trust:
        yield ReleaseStatus(state="refused", why=facts.problem)
