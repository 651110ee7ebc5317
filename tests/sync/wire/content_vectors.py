"""Makes the test vectors of `docs/content-format.md` from that page alone, without the code of origin and device.

`python -m tests.sync.wire.content_vectors` writes them to the folder beside this file. The keys are no secret.
"""

import base64
import hashlib
import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FOLDER = Path(__file__).parent / "content_vectors"

Json = dict[str, Any]

_ISSUED, _EXPIRES = "2026-11-29T00:00:00.000Z", "2099-01-01T00:00:00.000Z"
_ROOT, _ONLINE, _NEXT, _STRANGER = (bytes([number]) * 32 for number in (1, 2, 3, 4))  # private keys


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def noise(length: int) -> bytes:
    """Return bytes that every language can make: SHA-256 of 0, 1, 2 … as 8 bytes, big-endian, one after the other."""
    blocks = (hashlib.sha256(number.to_bytes(8)).digest() for number in range(-(-length // 32)))
    return b"".join(blocks)[:length]


def public(private: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def envelope(domain: bytes, document: Json, *private_keys: bytes) -> bytes:
    payload = json.dumps(document).encode()
    signatures = [
        {
            "key": sha256(public(private)),
            "signature": base64.b64encode(
                Ed25519PrivateKey.from_private_bytes(private).sign(domain + payload)
            ).decode(),
        }
        for private in private_keys
    ]
    return json.dumps({"payload": base64.b64encode(payload).decode(), "signatures": signatures}).encode()


def root(version: int, root_key: bytes, *signers: bytes, domain: bytes = b"signage/root/1\0") -> bytes:
    keys = {sha256(public(key)): base64.b64encode(public(key)).decode() for key in (root_key, _ONLINE)}
    roles = {"root": root_key, "timestamp": _ONLINE}
    document = {"version": version, "expires_at": _EXPIRES, "keys": keys}
    document |= {role: {"keys": [sha256(public(key))], "threshold": 1} for role, key in roles.items()}
    return envelope(domain, document, *signers)


def chunk_list(content: bytes, *cuts: int) -> bytes:
    chunks = [content[start:end] for start, end in pairwise((0, *cuts, len(content)))]
    head = b"SIDX1\n" + hashlib.sha256(content).digest() + struct.pack(">QI", len(content), len(chunks))
    return head + b"".join(struct.pack(">I", len(chunk)) + hashlib.sha256(chunk).digest() for chunk in chunks)


def tree() -> dict[str, bytes]:
    """Return a content tree by path: an asset of one chunk and one of three, two roots, a release, a timestamp."""
    files: dict[str, bytes] = {}
    assets, items = [], []
    for name, content, cuts in (("i1", noise(1000), ()), ("i2", noise(3000), (1200, 1201))):
        raw = chunk_list(content, *cuts)
        files |= {f"assets/{sha256(content)}": content, f"index/{sha256(raw)}": raw}
        shape = {"kind": "picture", "media_type": "image/png", "width": 16, "height": 9}
        assets.append({"sha256": sha256(content), "size_bytes": len(content), "index": sha256(raw), **shape})
        items.append({"id": name, "title": f"Item {name}", "asset": sha256(content)})
    release = {
        "format": 1,
        "channel": "main",
        "created_at": _ISSUED,
        "zone": "Europe/Berlin",
        "default_playlist": "all",
        "playlists": [{"id": "all", "name": "All", "items": items}],
        "assets": assets,
        "of_a_newer_origin": {"unknown fields": "are ignored"},
    }
    raw = json.dumps(release).encode()
    files[f"releases/{sha256(raw)}.json"] = raw
    files |= {"roots/1.json": root(1, _ROOT, _ROOT), "roots/2.json": root(2, _NEXT, _ROOT, _NEXT)}
    files["channels/main/timestamp.json"] = envelope(b"signage/timestamp/1\0", timestamp(raw), _ONLINE)
    return files


def timestamp(release: bytes, **other: object) -> Json:
    document = {"channel": "main", "sequence": 7, "release": sha256(release), "release_bytes": len(release)}
    return document | {"issued_at": _ISSUED, "expires_at": _EXPIRES} | other


def refused() -> dict[str, bytes]:
    """Return documents that no client accepts, after it has accepted the tree; by path, a number and the reason."""
    files = tree()
    release = next(raw for path, raw in files.items() if path.startswith("releases/"))
    domain, right = b"signage/timestamp/1\0", timestamp(release)
    timestamps = {
        "another key": envelope(domain, right, _STRANGER),
        "a root key": envelope(domain, right, _NEXT),
        "another domain": envelope(b"signage/root/1\0", right, _ONLINE),
        "older": envelope(domain, right | {"sequence": 6}, _ONLINE),
        "same sequence another release": envelope(domain, right | {"release": "0" * 64}, _ONLINE),
        "expired": envelope(domain, right | {"sequence": 8, "expires_at": "2026-11-29T00:00:01.000Z"}, _ONLINE),
        "another channel": envelope(domain, right | {"sequence": 8, "channel": "other"}, _ONLINE),
        "too long": envelope(domain, right | {"sequence": 8, "padding": "x" * 16_384}, _ONLINE),
        "no signature": envelope(domain, right),
    }
    roots = {
        "not by the root before": root(3, _NEXT, _STRANGER),
        "a version left out": root(4, _NEXT, _NEXT),
        "another domain": root(3, _NEXT, _NEXT, domain=b"signage/timestamp/1\0"),
    }
    content = noise(3000)
    three, head = chunk_list(content, 1200, 1201), 6 + 32 + 8 + 4
    lists = {
        "one byte more": three + b"x",
        "one byte less": three[:-1],
        "another magic": b"SIDX2\n" + three[6:],
        "lengths that do not add up": three[:head] + struct.pack(">I", 1201) + three[head + 4 :],
        "a chunk of no bytes": chunk_list(content, 1200, 1200),
        "of another asset": chunk_list(noise(1000)),
        "a count that is not there": three[: head - 4] + struct.pack(">I", 4) + three[head:],
    }
    kinds = {"timestamp": timestamps, "root": roots, "index": lists}
    named = ((f"{kind}/{reason}", raw) for kind, documents in kinds.items() for reason, raw in documents.items())
    return {f"refused/{name.replace(' ', '-')}": raw for name, raw in named}


if __name__ == "__main__":
    for name, raw in {**tree(), **refused()}.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_bytes(raw)
