"""Another verifier, from docs/export-format.md and without the code of this project; it stops at the first fault."""

import base64
import hashlib
import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Fault(Exception):
    """The export is broken."""


def must(condition: object, what: str) -> None:
    if not condition:
        raise Fault(what)


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def opened(envelope: Any, domain: str, keys: dict[str, str], threshold: int = 1) -> tuple[Any, bytes, set[str]]:
    """Return what an envelope says, its bytes, and who of `keys` signed it."""
    payload = base64.b64decode(envelope["payload"], validate=True)
    signers = set()
    for each in envelope["signatures"]:
        public = base64.b64decode(keys.get(each["key"], ""))
        if sha(public).hex() == each["key"]:
            try:
                message = domain.encode() + b"\0" + payload
                Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(each["signature"]), message)
                signers.add(each["key"])
            except InvalidSignature:
                pass
    must(len(signers) >= threshold, f"{domain} is not signed")
    return json.loads(payload), payload, signers


def root_of(records: list[Any], fingerprint: str) -> Any:
    trusted = None
    for envelope in (each["envelope"] for each in records if each["record"] == "root"):
        root = json.loads(base64.b64decode(envelope["payload"]))
        role = root["root"]
        if trusted is None:
            if sha("\n".join((str(role["threshold"]), *sorted(role["keys"]))).encode()).hex() != fingerprint:
                continue
        else:
            must(root["version"] == trusted["version"] + 1, "a root is missing")
        for by in filter(None, (trusted, root)):
            keys = {key: by["keys"][key] for key in by["root"]["keys"]}
            opened(envelope, "signage/root/1", keys, by["root"]["threshold"])
        trusted = root
    must(trusted, "the root is unknown")
    return trusted


def root_from_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the root that a path leads to: it has a hash for each level where the leaf's branch has a neighbour."""
    found, rest = sha(b"\0", leaf), list(path)
    while size > 1:
        if index % 2 or index + 1 < size:
            must(rest, "a path is too short")
            other = rest.pop(0)
            found = sha(b"\1", other, found) if index % 2 else sha(b"\1", found, other)
        index, size = index // 2, (size + 1) // 2
    must(not rest, "a path is too long")
    return found


def check_play(record: Any, checkpoint: Any, export: Any, device: str) -> None:
    play = record["play"]
    said = {name: value for name, value in play.items() if value is not None and name not in ("hash", "previous_hash")}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
    must(sha(play["previous_hash"].encode(), canonical.encode()).hex() == play["hash"], "a play was changed")
    must(play["device"] == device and play["log_epoch"] == checkpoint["log_epoch"], "a play of another log")
    must("device" in export or play["line"] in export["lines"], "a play of another line")
    must("campaign" not in export or play["campaign"] == export["campaign"], "a play of another campaign")
    must(checkpoint["first"] <= play["sequence"] <= checkpoint["last"], "a play of another checkpoint")
    size = checkpoint["last"] - checkpoint["first"] + 1
    leaf, path = bytes.fromhex(record["salt"] + play["hash"]), [bytes.fromhex(each) for each in record["path"]]
    found = root_from_path(leaf, play["sequence"] - checkpoint["first"], size, path)
    must(found.hex() == checkpoint["merkle_root"], "a play is not what was signed")
    lasted_ms = (at(play["ended_at"]) - at(play["started_at"])) / timedelta(milliseconds=1)
    must(play["rendered_ms"] <= lasted_ms + (play.get("clock_back_ms") or 0) + 1000, "a play was not possible")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def when(record: Any, name: str) -> datetime:
    """Return an instant of a play, as it is or as the origin corrects it."""
    corrected = record.get("corrected_ms")
    must(corrected is None or record["play"]["clock"] != "synced", "a right time was changed")
    return at(record["play"][name]) + timedelta(milliseconds=corrected or 0)


def keys_and_names(records: list[Any], keys: dict[str, str]) -> tuple[list[Any], dict[tuple[str, str], str]]:
    """Return the certificates of a screen, and for each log and line the name in the counts."""
    certified = [each["envelope"] for each in records if is_a(each, "certificate")]
    certificates = [opened(each, "signage/device-key/1", keys)[0] for each in certified]
    must(all(each["device"] == records[0]["device"] for each in certificates), "a certificate of another screen")
    must({each["serial"] for each in certificates} == set(range(1, len(certificates) + 1)), "a key is missing")
    names: dict[tuple[str, str], str] = {}
    for each in (each for each in records if is_a(each, "opening")):
        names[each["log_epoch"], each["line"]] = sha(bytes.fromhex(each["key"]), each["line"].encode()).hex()
    return certificates, names


def check_screen(records: list[Any], export: Any, keys: dict[str, str], sums: Counter[str]) -> str:
    """Check the records of a screen, count its plays, and return until when it is complete."""
    device = records[0]["device"]
    certificates, names = keys_and_names(records, keys)
    public = {each["key"]: each["public_key"] for each in certificates}
    before: Any = None
    serial, hashed, until, last_end = 0, "0" * 64, "", None
    sealed = [json.loads(base64.b64decode(each["envelope"]["payload"])) for each in records if is_a(each, "checkpoint")]
    clock_was_set = any(each.get("clock") == "synced" for each in sealed)
    logs: dict[str, tuple[int | None, dict[str, int], bool]] = {}
    for place, record in enumerate(records):
        if not is_a(record, "checkpoint"):
            must(not is_a(record, "play") or "path" not in record or before, "a play before the first checkpoint")
            continue
        few = json.loads(base64.b64decode(record["envelope"]["payload"])).get("only_changed", False)
        now, payload, (signer,) = opened(record["envelope"], f"signage/checkpoint/{2 if few else 1}", public)
        (key,) = [each for each in certificates if each["key"] == signer]
        must(now["device"] == device and key["serial"] >= serial, "a checkpoint by a wrong key")
        must(not key.get("revoked_at") or now["at"] < key["revoked_at"], "a key was revoked")
        must(at(now["at"]) >= at(key["issued_at"]) - timedelta(days=1), "a key was not certified yet")
        restarts = before and now["number"] == 1 and key["serial"] > serial
        if before and not restarts:
            must(now["number"] == before["number"] + 1 and now["previous"] == hashed, "a checkpoint is missing")
        last, counts, all_lines = logs.get(now["log_epoch"], (None, {}, True))
        must(
            last is None or (before["log_epoch"] == now["log_epoch"] and now["first"] == last + 1), "a log was skipped"
        )
        plays = list(takewhile(lambda each: is_a(each, "play"), records[place + 1 :]))
        if before is None and now["number"] > 1:
            must(not [play for play in plays if "path" in play], "a play below the start")
            must(at(now["at"]) <= at(export["begins_at"]), "the begin is not covered")
            must(not clock_was_set or now["clock"] == "synced", "the begin is by a clock that was not set")
            all_lines = False
        else:
            check_counts(now, counts, all_lines)
            check_plays(plays, now, export, device, names, counts, sums)
            for each in plays:
                must(last_end is None or when(each, "started_at") >= last_end, "plays overlap")
                last_end = when(each, "ended_at")
        counted = {each["name"]: each["count"] for each in now["counts"]}
        logs[now["log_epoch"]] = now["last"], {**(counts if few else {}), **counted}, not few or all_lines
        before, serial, hashed = now, key["serial"], sha(payload).hex()
        until = until if clock_was_set and now["clock"] != "synced" else now["at"]
    must(before, "nothing is signed")
    return until


def check_counts(now: Any, earlier: dict[str, int], all_lines: bool) -> None:
    for each in now["counts"]:
        known = earlier.get(each["name"], 0 if all_lines else None)
        if known is not None:
            plays = each.get("plays") or each["count"] - known
            must(plays >= 0 and known + plays == each["count"], "a count does not go on")
    few = now.get("only_changed", False)
    must(few or earlier.keys() <= {each["name"] for each in now["counts"]}, "a line is counted no more")
    must(not few or all(each["plays"] for each in now["counts"]), "a line is counted that did not play")


def check_plays(
    plays: list[Any], now: Any, export: Any, device: str, names: Any, earlier: dict[str, int], sums: Counter[str]
) -> None:
    shown: Counter[str] = Counter()
    newest = 0
    for play in plays:
        must("path" in play, "a play without its path")
        check_play(play, now, export, device)
        must(play["play"]["sequence"] > newest, "plays are doubled or out of order")
        newest = play["play"]["sequence"]
        line = play["play"]["line"] or ""
        shown[line] += 1
        sums[line] += at(export["begins_at"]) <= when(play, "started_at") < at(export["ends_at"])
    new = {each["name"]: each.get("plays", each["count"] - earlier.get(each["name"], 0)) for each in now["counts"]}
    for line in export["lines"]:
        name = names.get((now["log_epoch"], line), "")
        must(name, "a line is not opened")
        must(new.get(name, 0) == shown[line], "plays are missing")
    must("device" not in export or len(plays) == now["last"] - now["first"] + 1, "plays of the screen are missing")


def is_a(record: Any, name: str) -> bool:
    return bool(record["record"] == name)


def proven_plays(lines: list[bytes], fingerprint: str) -> dict[str, int]:
    """Return how many plays of each line in the period are proven.

    Raises:
        Fault: the export is broken, or not complete.
    """
    records = [json.loads(line) for line in lines]
    export, body, end = records[0], records[1:-1], records[-1]
    must(is_a(export, "export") and is_a(end, "end"), "no export")
    of = [export.get(name) for name in ("campaign", "line", "device")]
    must(of[1] is None or [of[1]] == [*export["lines"]], "an export of another line")
    must(of[2] is None or [of[2]] == [*export["screens"]], "an export of another screen")
    must(export["lines"] or of[0] is None, "an export of no line")
    root = root_of(body, fingerprint)
    keys = {key: root["keys"][key] for key in root["timestamp"]["keys"]}
    closed = opened(end["envelope"], "signage/export/1", keys)[0]
    must(closed == {"lines": len(lines) - 1, "sha256": sha(*lines[:-1]).hex()}, "the file was changed")
    starts = [place for place, each in enumerate(body) if is_a(each, "screen")]
    must(all(is_a(each, "root") for each in body[: starts[0]]), "something before the first screen")
    parts = [body[start:stop] for start, stop in zip(starts, [*starts[1:], None], strict=True)]
    must([part[0]["device"] for part in parts] == sorted(export["screens"]), "other screens")
    allowed = {"screen", "certificate", "opening", "checkpoint", "play"}
    must(all(each["record"] in allowed for part in parts for each in part), "something within a screen")
    sums: Counter[str] = Counter()
    until = min(check_screen(part, export, keys, sums) for part in parts)
    must(at(until) >= at(export["ends_at"]), "not complete")
    return dict(sums)
