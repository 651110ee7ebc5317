"""Checks the texts of a play that was read, and its hash; what it does not find right, `Play` judges and explains."""

import hashlib
import json
import re
from functools import lru_cache

import msgspec

from sync.origin.sent_plays.sent_play import SentPlay

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}").fullmatch
_HEX_32 = re.compile(r"[0-9a-f]{32}").fullmatch
_HEX_64 = re.compile(r"[0-9a-f]{64}").fullmatch
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}").fullmatch
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}").fullmatch
_RESOLUTION = re.compile(r"[0-9]{1,6}x[0-9]{1,6}").fullmatch
_ESCAPED = re.compile(r"[^ -~]+")
_HASH, _PREVIOUS = b'"hash":"', b'"previous_hash":"'
_HASH_BYTES, _PREVIOUS_BYTES = (len(before) + len('",') + 64 for before in (_HASH, _PREVIOUS))
_ENCODER = msgspec.json.Encoder()


def written(play: SentPlay, device: str) -> bytes | None:
    """Return the JSON of a play of this device, without its empty fields; None: a text or its hash is not right."""
    if not _is_right(play, device):
        return None
    text = _ENCODER.encode(play)
    own, previous = text.find(_HASH), text.find(_PREVIOUS)  # no text has these: in a text a quote is escaped
    hashed = text[:own] + text[own + _HASH_BYTES : previous] + text[previous + _PREVIOUS_BYTES :]
    if not hashed.isascii() or b"\x7f" in hashed:
        hashed = _ESCAPED.sub(_escaped, hashed.decode()).encode()
    return text if hashlib.sha256(play.previous_hash.encode() + hashed).hexdigest() == play.hash else None


def _is_right(play: SentPlay, device: str) -> bool:
    """Tell whether all texts are as `Play` has them; its kinds of texts are listed there."""
    if play.device != device or not (_IDENTIFIER(play.take) and _HEX_64(play.hash) and _HEX_64(play.previous_hash)):
        return False
    if not (_is_of_log(play.log_epoch, play.boot_id) and _is_content(
        play.release, play.asset, play.title, play.advertiser,
        (play.playlist, play.item, play.campaign, play.line, play.creative),
        (play.screen_detail, play.clock_state, play.end_reason), play.resolution,
    )):  # fmt: skip
        return False
    if "\0" in play.reason or "\0" in play.zone:
        return False
    try:
        return bool(play.span)
    except ValueError:
        return False


@lru_cache(16_384)
def _is_of_log(log_epoch: str, boot_id: str | None) -> bool:
    return bool(_HEX_32(log_epoch) and (boot_id is None or _HEX_32(boot_id)))


@lru_cache(2_048)
def _is_content(
    release: str,
    asset: str,
    title: str,
    advertiser: str | None,
    identifiers: tuple[str | None, ...],
    words: tuple[str | None, ...],
    resolution: str | None,
) -> bool:
    """Tell whether these texts, which a thousand plays have in common, are right."""
    return (
        all(map(_HEX_64, (release, asset)))
        and all(name is None or (_NAME(name) and name == name.strip()) for name in (title, advertiser))
        and all(one is None or _IDENTIFIER(one) for one in identifiers)
        and all(one is None or _WORD(one) for one in words)
        and (resolution is None or bool(_RESOLUTION(resolution)))
    )


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
