"""Frames of WebSockets (RFC 6455) as a server sends them: made once, then written to any number of connections."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import WSCloseCode

from sync.wire.live_messages import Hint

_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A  # each the last frame of its message

PING = bytes((_PING, 0))


def text_frame(text: str) -> bytes:
    """Return the frame of a message."""
    payload = text.encode()
    length = len(payload)
    if length < 126:
        return bytes((_TEXT, length)) + payload
    if length < 1 << 16:
        return bytes((_TEXT, 126)) + length.to_bytes(2) + payload
    return bytes((_TEXT, 127)) + length.to_bytes(8) + payload


def hint_frame(hint: Hint | Mapping[str, Any]) -> bytes:
    """Return the frame of a hint; what is as usual is left out."""
    return text_frame(hint.model_dump_json(exclude_defaults=True) if isinstance(hint, Hint) else json.dumps(hint))


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping, which has at most 125 bytes."""
    return bytes((_PONG, len(payload))) + payload


def close_frame(code: WSCloseCode) -> bytes:
    """Return the frame that ends a connection."""
    return bytes((_CLOSE, 2)) + code.to_bytes(2)
