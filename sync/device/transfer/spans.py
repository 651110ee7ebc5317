"""Spans: adjacent chunks of one asset that one request fetches."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from sync.wire.chunk_index import Chunk

SPAN_BYTES = 8 * 1024 * 1024
"""Most bytes of adjacent chunks in one request; a larger chunk has a request of its own."""

SHORTEST_SPAN_BYTES = 64 * 1024
SPAN_S = 8.0
"""How long one request should take: long ones delay all else."""

LAST_SPAN_S = 1.0
"""How long the last requests should take: who is done early waits for them."""

FEW_SPANS = 16  # two for each connection


@dataclass(frozen=True, slots=True)
class Span:
    """Adjacent chunks of one asset, fetched by one range request."""

    asset: str
    chunks: tuple[Chunk, ...]

    @property
    def offset(self) -> int:
        """The start in the asset, in bytes."""
        return self.chunks[0].offset

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.chunks[-1].offset + self.chunks[-1].length - self.chunks[0].offset


def spans(asset: str, missing: Iterable[Chunk], longest_bytes: int = SPAN_BYTES) -> Iterator[Span]:
    """Yield the missing chunks of an asset, in file order, as spans of at most so many bytes."""
    run: list[Chunk] = []
    length = 0
    for chunk in missing:
        if run and (chunk.number != run[-1].number + 1 or length + chunk.length > longest_bytes):
            yield Span(asset, tuple(run))
            run, length = [], 0
        run.append(chunk)
        length += chunk.length
    if run:
        yield Span(asset, tuple(run))


def next_request(span: Span, without: Collection[int], longest_bytes: int) -> tuple[Span | None, Span | None]:
    """Return the part of a span to ask for now, without chunks of these numbers, and what is left of it."""
    left = [chunk for chunk in span.chunks if chunk.number not in without]
    if len(left) == len(span.chunks) == 1:
        return span, None
    first = next(spans(span.asset, left, longest_bytes), None)
    if first is None:
        return None, None
    rest = tuple(left[len(first.chunks) :])
    return first, Span(span.asset, rest) if rest else None


def longest_span_bytes(usual_bytes_s: float, waiting: Collection[Span | None] | None = None) -> int:
    """Return how long a request may be, by the speed that the last ones reached; 0: not known.

    Once only `FEW_SPANS` are `waiting`, requests become shorter, down to `LAST_SPAN_S`, so that all connections end at
    about the same time (guided self-scheduling, Polychronopoulos and Kuck, 1987). None: there are more.
    """
    if not usual_bytes_s:
        return SPAN_BYTES
    longest, last = (max(SHORTEST_SPAN_BYTES, min(SPAN_BYTES, int(usual_bytes_s * s))) for s in (SPAN_S, LAST_SPAN_S))
    if waiting is None:
        return longest
    return min(longest, max(last, sum(span.length for span in waiting if span) // FEW_SPANS))
