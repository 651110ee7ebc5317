"""Addresses of network streams: which are allowed, their names, and how they are shown.

The name of a stream is the SHA-256 of its address, as that of a file is the SHA-256 of its bytes.
"""

import hashlib
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, PlainSerializer, StringConstraints

SCHEMES = frozenset({"http", "https", "rtmp", "rtmps", "udp", "rtp", "rtsp", "rtsps"})
_LISTENING = frozenset({"udp", "rtp"})  # these need a port; the host is optional
_HIDDEN = "***"


def _allowed(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("is not the address of a stream") from error
    if parts.scheme not in SCHEMES:
        raise ValueError(f"the address of a stream begins with one of {', '.join(sorted(SCHEMES))}, followed by ://")
    if parts.scheme in _LISTENING and port is None:
        raise ValueError("name the port to listen on, as in udp://@239.0.0.1:5000")
    if parts.scheme not in _LISTENING and not parts.hostname:
        raise ValueError("name the host, as in https://example.com/live.m3u8")
    return url


def shown_url(url: str) -> str:
    """Return the address of a stream without password, query and fragment, for people and logs."""
    parts = urlsplit(url)
    who, at, where = parts.netloc.rpartition("@")
    plain = f"{_HIDDEN}@{where}" if who else at + where
    query = f"?{_HIDDEN}" if parts.query or parts.fragment else ""
    return f"{parts.scheme}://{plain}{parts.path}{query}"


def scrub(text: str, url: str) -> str:
    """Return a text of a tool about a stream without the secret parts of the address."""
    parts = urlsplit(url)
    hidden = (url, parts.netloc.rpartition("@")[0], parts.password or "", parts.query, parts.fragment)
    for secret, instead in zip(hidden, (shown_url(url), *[_HIDDEN] * 4), strict=True):
        text = text.replace(secret, instead) if secret else text
    return text


def stream_name(url: str) -> str:
    """Return the SHA-256 of an address, in hex."""
    return hashlib.sha256(url.encode()).hexdigest()


def stream_title(url: str) -> str:
    """Return a title for a stream without one: its host and the last part of its path."""
    parts: SplitResult = urlsplit(url)
    last = parts.path.rstrip("/").rpartition("/")[2]
    return " ".join(filter(None, (parts.hostname or parts.scheme, last)))[:200]


StreamUrl = Annotated[
    str, StringConstraints(min_length=8, max_length=2000, pattern=r"^[\x21-\x7e]+$"), AfterValidator(_allowed)
]
"""The address of a network stream, never of a file."""

ShownUrl = Annotated[StreamUrl, PlainSerializer(shown_url, return_type=str, when_used="json")]
"""The address of a stream as people see it: the JSON has no password and no query."""
