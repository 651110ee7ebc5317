"""Damages a file at random; the same seed does the same damage."""

from collections.abc import Callable
from random import Random


def _flip(raw: bytearray, rng: Random) -> None:
    for _ in range(rng.choice((1, 8, 64))):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)


def _spoil_head(raw: bytearray, rng: Random) -> None:
    for _ in range(rng.choice((1, 4, 16))):
        raw[rng.randrange(min(512, len(raw)))] = rng.randrange(256)


def _number(raw: bytearray, rng: Random) -> None:
    """Write a number programs stumble over: the largest, the smallest, all but."""
    at = rng.randrange(max(1, len(raw) - 4))
    raw[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0", b"\0\0\0\x01"))


def _cut(raw: bytearray, rng: Random) -> None:
    del raw[rng.randrange(len(raw)) :]


def _drop(raw: bytearray, rng: Random) -> None:
    at = rng.randrange(len(raw))
    del raw[at : at + rng.choice((1, 188, 4096))]


def _repeat(raw: bytearray, rng: Random) -> None:
    at, length = rng.randrange(len(raw)), rng.choice((16, 188, 4096))
    raw[at:at] = raw[at : at + length]


def _blot(raw: bytearray, rng: Random) -> None:
    at, length = rng.randrange(len(raw)), rng.choice((16, 512, 4096))
    raw[at : at + length] = bytes(len(raw[at : at + length]))


_DAMAGE: tuple[Callable[[bytearray, Random], None], ...] = (
    _flip, _flip, _spoil_head, _spoil_head, _number, _number, _cut, _drop, _repeat, _blot,
)  # fmt: skip


def damaged(whole: bytes, rng: Random) -> bytes:
    """Return a file with one to three kinds of damage; it may be empty."""
    raw = bytearray(whole)
    for _ in range(rng.randint(1, 3)):
        if raw:
            rng.choice(_DAMAGE)(raw, rng)
    return bytes(raw)
