"""The commands `signage-origin trust`: the root and online keys, and the chain of roots that devices follow.

A change is told before it is made, and is one file: the next root. If a key that has to sign is elsewhere, the file is
exported, signed there, and imported. Until then nothing has changed.
"""

import argparse
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sync.errors import Rejected, trust_text
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.publishing.keyring import ONLINE, RENEW_BEFORE, ROOT, read_key
from sync.origin.wiring.origin import Origin
from sync.runtime.clock import SystemClock
from sync.runtime.durable_files import read_file, write_durably
from sync.trust.root_changes import (
    PROPOSAL_CAP_BYTES,
    RootProposal,
    add_signature,
    consequences,
    find_key,
    keys_of,
    make_root,
    propose,
    public_of,
    read_proposal,
    unsigned_reason,
)
from sync.trust.signing import SigningKey, pin_root, read_root, root_fingerprint
from sync.wire.release import Root

Answer = tuple[Any, list[str]]
"""A document for programs, and lines for people."""


async def show(origin: Origin, options: argparse.Namespace) -> Answer:
    """Return the newest root: its keys, which of them are here, and which devices refuse something."""
    root, here = origin.keyring.root(), origin.keyring.root_key()
    refusing = {view.name: view.heartbeat.trust for view in await origin.devices.views() if view.heartbeat}
    refusing = {name: rule for name, rule in refusing.items() if rule}
    shown: dict[str, Any] = {
        "version": root.version,
        "expires_at": root.expires_at.isoformat(),
        "threshold": root.root.threshold,
        "root_keys": _described(root, root.root.keys, here.id if here else ""),
        "online_keys": _described(root, root.timestamp.keys, _online_id(origin)),
        "fingerprint": root_fingerprint(root),
        "refusing": refusing,
    }
    lines = [
        f"root {root.version}, until {root.expires_at:%Y-%m-%d}; the next needs {root.root.threshold} of its root keys",
        *(f"root key    {_key_line(key)}" for key in shown["root_keys"]),
        *(f"online key  {_key_line(key)}" for key in shown["online_keys"]),
        *(f"device {name} refuses what it is sent: {trust_text(rule)}" for name, rule in refusing.items()),
        *_advice(origin, root, here),
    ]
    return shown, lines


def _online_id(origin: Origin) -> str:
    return origin.keyring.timestamp_key.id if origin.keyring.has_online_key() else ""


def _described(root: Root, keys: tuple[str, ...], here: str) -> list[dict[str, Any]]:
    return [{"id": key, "public": root.keys.get(key, ""), "here": key == here} for key in keys]


def _key_line(key: dict[str, Any]) -> str:
    return f"{key['id'][:16]}  {key['public']}  {'here' if key['here'] else 'elsewhere'}"


def _advice(origin: Origin, root: Root, here: SigningKey | None) -> list[str]:
    lines = []
    if not origin.keyring.has_online_key():
        lines.append("The online key is lost: nothing can be signed. Run: signage-origin trust rotate online")
    if here is not None and here.id not in root.root.keys:
        lines.append("keys/root.key is no key of this root any more: delete it.")
    if root.expires_at - SystemClock().now() <= RENEW_BEFORE:
        lines.append("The root expires soon, and then no device accepts new content. Run: signage-origin trust renew")
    return lines


async def rotate(origin: Origin, options: argparse.Namespace) -> Answer:
    """Replace the online key, or root keys."""
    return await (_rotate_online if options.role == "online" else _rotate_root)(origin, options)


async def _rotate_online(origin: Origin, options: argparse.Namespace) -> Answer:
    if options.new:
        raise Rejected("--with is for root keys: the online key is made here, where it signs")
    key = SigningKey.generate()
    return await _change(origin, options, made={ONLINE: key}, online=public_of(key))


async def _rotate_root(origin: Origin, options: argparse.Namespace) -> Answer:
    root, here = origin.keyring.root(), origin.keyring.root_key()
    if options.new:
        return await _change(origin, options, root_keys=_merged(options.new), fit_threshold=True)
    if here is None or here.id not in root.root.keys:
        raise Rejected("no root key is here to be replaced: name the new ones with --with PUBLICKEY")
    key = SigningKey.generate()
    others = {name: public for name, public in keys_of(root, root.root).items() if name != here.id}
    return await _change(origin, options, made={ROOT: key}, root_keys={**public_of(key), **others})


async def add(origin: Origin, options: argparse.Namespace) -> Answer:
    """Add a root key that is kept elsewhere."""
    root = origin.keyring.root()
    if options.new.keys() & set(root.root.keys):
        raise Rejected(f"root {root.version} has this root key already")
    return await _change(origin, options, root_keys={**keys_of(root, root.root), **options.new})


async def revoke(origin: Origin, options: argparse.Namespace) -> Answer:
    """Take a key out of the root."""
    root = origin.keyring.root()
    key = find_key(root, options.key_id)
    without = [
        {name: public for name, public in keys_of(root, role).items() if name != key}
        for role in (root.root, root.timestamp)
    ]
    return await _change(origin, options, root_keys=without[0], online=without[1])


async def change(origin: Origin, options: argparse.Namespace) -> Answer:
    """Make a root with the same keys: with another threshold, or only a new date."""
    return await _change(origin, options)


async def import_signed(origin: Origin, options: argparse.Namespace) -> Answer:
    """Publish a change that was signed elsewhere."""
    proposal = _read_proposal(options.file)
    if missing := unsigned_reason(proposal):
        raise Rejected(f"{missing}. Sign it with `signage-origin trust sign`, where the keys are; nothing changed")
    return await _publish(origin, options, proposal, {})


async def make(options: argparse.Namespace) -> Answer:
    """Make a root key in a file of this machine; its public part goes to the origin."""
    if options.file.exists():
        raise Rejected(f"{options.file} exists already: a key is never overwritten")
    key = SigningKey.generate()
    write_durably(options.file, key.to_bytes(), mode=0o600)
    public = public_of(key)[key.id]
    shown = {"id": key.id, "public": public, "file": str(options.file)}
    return shown, [public, f"This is the public part of the root key in {options.file}, which nobody else may see."]


async def sign(options: argparse.Namespace) -> Answer:
    """Add signatures to an exported change, on the machine that has the key."""
    proposal = _read_proposal(options.file)
    _confirm(_told(proposal, None), options)
    for path in options.key:
        proposal = add_signature(proposal, read_key(path))
    _write_proposal(options.file, proposal)
    missing = unsigned_reason(proposal)
    return {"missing": missing}, [f"{options.file} is signed; {missing or 'import it at the origin'}."]


async def _change(
    origin: Origin,
    options: argparse.Namespace,
    *,
    made: dict[str, SigningKey] | None = None,
    root_keys: dict[str, str] | None = None,
    online: dict[str, str] | None = None,
    fit_threshold: bool = False,
) -> Answer:
    """Make the next root from the newest, with what is given; sign it with the keys at hand; publish or export it."""
    before, keyring, made = origin.keyring.root(), origin.keyring, made or {}
    root_keys = keys_of(before, before.root) if root_keys is None else root_keys
    online = keys_of(before, before.timestamp) if online is None else online
    threshold = options.threshold or before.root.threshold
    if fit_threshold and not options.threshold:
        threshold = min(threshold, len(root_keys))
    root = make_root(before.version + 1, keyring.expiry(), root_keys, threshold, online)
    signers = [*filter(None, (keyring.root_key(), made.get(ROOT))), *(read_key(path) for path in options.key)]
    return await _publish(origin, options, propose(keyring.root_envelope(), root, signers), made)


async def _publish(
    origin: Origin, options: argparse.Namespace, proposal: RootProposal, made: dict[str, SigningKey]
) -> Answer:
    missing, export = unsigned_reason(proposal), getattr(options, "export", None)
    if missing and not export:
        raise Rejected(f"{missing}. Give --key FILE, or --export FILE and sign it where the key is; nothing changed")
    if export and export.exists():
        raise Rejected(f"{export} exists already: name another file")
    told = _told(proposal, len(await origin.devices.views()))
    _confirm(told, options)
    version = read_root(proposal.proposed).version
    if export:
        _write_proposal(export, proposal)
        for name, key in made.items():
            origin.keyring.store_next(name, key)
        shown = {"root": version, "published": False, "missing": missing, "file": str(export)}
        return shown, [f"{export}: {missing or 'completely signed'}. Nothing has changed until it is imported."]
    before, root = origin.keyring.root(), origin.keyring.publish(proposal, made)
    if root.version != before.version:
        named = f"root {root.version}"
        change = AuditedChange(ThingKind.TRUST, "root", named, Action.CHANGED, before.version, root.version)
        await origin.log.add(replace(change, before=_recorded(before), after=_recorded(root)))
    await origin.folder_target.publisher.timestamps.refresh()
    lines = [f"Root {root.version} is in force. Back up keys and content/roots of the data folder now."]
    return {"root": root.version, "published": True, "devices": told}, lines


def _recorded(root: Root) -> dict[str, Any]:
    """Return which keys a root names, by their ids: public, as all of it is."""
    return {"threshold": root.root.threshold, "root": list(root.root.keys), "online": list(root.timestamp.keys)}


def _told(proposal: RootProposal, devices: int | None) -> list[str]:
    before, after = pin_root(proposal.previous), read_root(proposal.proposed)
    root_keys, online = (", ".join(key[:16] for key in role.keys) for role in (after.root, after.timestamp))
    named = f"Root {after.version} names these keys: root {root_keys}; online {online}."
    return [named, *consequences(before, after, devices)]


def _confirm(told: list[str], options: argparse.Namespace) -> None:
    """Tell what devices will do; go on with --yes, or if a person says so."""
    sys.stderr.write("\n".join(told) + "\n")
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise Rejected("nothing was changed: run it again with --yes if that is what you want")
    with suppress(EOFError):
        if input("Do it? [y/N] ").strip().lower() in ("y", "yes"):
            return
    raise Rejected("nothing was changed")


def _read_proposal(path: Path) -> RootProposal:
    raw = read_file(path, PROPOSAL_CAP_BYTES)
    if raw is None:
        raise Rejected(f"there is no file {path}")
    return read_proposal(raw)


def _write_proposal(path: Path, proposal: RootProposal) -> None:
    write_durably(path, proposal.model_dump_json().encode())


def _merged(keys: list[dict[str, str]]) -> dict[str, str]:
    return {name: public for key in keys for name, public in key.items()}
