"""fuzz --part documents: what servers, devices and exports may say, damaged at random, guided by coverage.

What reaches lines of ours in an order that nothing reached before is damaged further (as AFL does, by edges between
lines). First come the documents of the tests that are as large as they may be: `slowest_ms` and `grown_mib` are of
those. `broken` must be 0: anything but a value or a refusal in a sentence. The same seed makes the same documents.
"""

import multiprocessing
import resource
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from sync.errors import SignageError
from sync.runtime.clock import SystemClock
from tests.origin.proof.hostile_deliveries import deliveries
from tests.sync.trust.hostile_documents import NASTY, Target, damaged, targets

_OURS = str(Path(__file__).parent.parent.parent / "sync")
_LONGEST_BYTES = 300_000  # of what is damaged further
_LONGEST_SENTENCE = 1_000

Edge = tuple[str, int, int]


def measure(count: int, seed: int) -> list[dict[str, Any]]:
    """Return a row for each kind of document, of `count` damaged ones in all."""
    names = list(_all())
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return pool.starmap(_fuzz, [(name, -(-count // len(names)), seed) for name in names], chunksize=1)


def _fuzz(name: str, count: int, seed: int) -> dict[str, Any]:
    target, rng = _all()[name], Random(f"{seed} {name}")
    outcomes = Counter[str]()
    slowest_ms, grown_mib = _largest(target, outcomes)
    corpus, seen = [target.sample], _edges_of(partial(_outcome, target, target.sample))[0]
    for fault in NASTY.values():
        corpus.append(fault(target.sample, min(target.cap_bytes, 2_000))[:_LONGEST_BYTES])
    for _ in range(count):
        raw = damaged(rng.choice(corpus), rng)[:_LONGEST_BYTES]
        edges, outcome = _edges_of(partial(_outcome, target, raw))
        outcomes[outcome.partition(":")[0]] += 1
        if outcome.startswith("broken"):
            sys.stderr.write(f"{name} {outcome} {raw[:2000]!r}\n")
        if edges - seen:
            seen |= edges
            corpus.append(raw)
    row = {"document": name, "documents": sum(outcomes.values()), "found": len(corpus), "edges": len(seen)}
    kinds = {kind: outcomes[kind] for kind in ("accepted", "refused", "broken")}
    return {**row, **kinds, "slowest_ms": slowest_ms, "grown_mib": grown_mib}


def _all() -> dict[str, Target]:
    return {**targets(), **deliveries()}


def _largest(target: Target, outcomes: Counter[str]) -> tuple[float, float]:
    """Read what is as large as it may be; return the longest time, and by how much this process grew."""
    clock, slowest_ms, before = SystemClock(), 0.0, _resident_mib()
    for fault in NASTY.values():
        raw = fault(target.sample, target.cap_bytes)
        began_s = clock.monotonic()
        outcomes[_outcome(target, raw).partition(":")[0]] += 1
        slowest_ms = max(slowest_ms, 1000 * (clock.monotonic() - began_s))
    return round(slowest_ms, 1), round(_resident_mib() - before, 1)


def _outcome(target: Target, raw: bytes) -> str:
    try:
        target.read(raw)
    except SignageError as error:
        sentence = str(error)
        clear = sentence.isprintable() and 0 < len(sentence) <= _LONGEST_SENTENCE
        return "refused" if clear else f"broken: {sentence[:200]!r}"
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
        return f"broken: {error!r:.200}"
    return "accepted"


def _edges_of(call: Callable[[], str]) -> tuple[set[Edge], str]:
    """Return which lines of ours followed which while `call` ran, and its result."""
    edges: set[Edge] = set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(_OURS):
            return None
        last = frame.f_lineno

        def line(frame: FrameType, event: str, _: object) -> Any:
            nonlocal last
            edges.add((file, last, frame.f_lineno))
            last = frame.f_lineno
            return line

        return line

    sys.settrace(trace)
    try:
        return edges, call()
    finally:
        sys.settrace(None)


def _resident_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
