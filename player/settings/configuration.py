"""The settings in force: loaded from their layers, changed as a whole or not at all, kept durably, read live.

Order, weakest first: defaults, `player.toml` (never rewritten), `state/config.json` (what the endpoint accepted),
environment. Whoever needs a setting reads `configuration.settings` when it needs it, and waits on `changed`.
"""

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr

from player.settings import sources as setting_sources
from player.settings.layers import Effective, Layer, Source, Values, changed, leaves, merge, rescue, resolve, shown
from player.settings.model import Settings
from sync.errors import Conflict, Rejected, StaleVersion, StorageBroken, StorageFull
from sync.wire.input_messages import one_line, read_toml

LIVE = frozenset(
    {
        "origin.url",
        "origin.name",
        "origin.enrolment_key",
        "origin.poll_s",
        "origin.heartbeat_s",
        "storage.reserve_bytes",
        "venue.zone",
        "playback.volume",
        "display.output",
        "display.rotation",
        "playback.background",
        "playback.fit",
        "playback.fallback",
        "playback.picture_ms",
        "audio.device",
        "audio.muted",
        "audio.quiet_hours",
        "audio.quiet_volume",
        "audio.normalise",
        "audio.target_lufs",
        "endpoint.allowed_hosts",
        "logging.level",
    }
)
"""Fields that count at once; all others count from the next start."""

_NOT_BY_ENDPOINT = "storage.state_dir"
_MASK = "**********"

Read = TypeVar("Read")

log = logging.getLogger(__name__)


class ConfigView(BaseModel):
    """The settings for people: values with secrets masked, the source of each field, what waits for a restart."""

    settings: dict[str, Any]
    sources: dict[str, Source]
    environment_prefix: str = setting_sources.PREFIX
    restart_needed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Configuration:
    """The one holder of settings; made by `load`."""

    def __init__(
        self, layers: Mapping[Source, Values], effective: Effective, *, file: Path | None, at_start: tuple[str, ...]
    ) -> None:
        self._layers = dict(layers)
        self._effective = effective
        self._started = effective.settings
        self._at_start = at_start
        self._refused = ""
        self._salt = os.urandom(16)
        self._change = asyncio.Event()
        self._lock = asyncio.Lock()
        self._check: Callable[[Settings], None] | None = None
        self.file = file

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._effective.settings

    @property
    def version(self) -> int:
        """A number that differs whenever the settings differ: the ETag. Salted, for it covers secrets."""
        values = json.dumps(_revealed(self.settings), sort_keys=True).encode()
        return int(hashlib.sha256(self._salt + values).hexdigest()[:12], 16)

    def problems(self) -> tuple[str, ...]:
        """Return what a technician should know about the settings."""
        waiting = self.restart_needed()
        restart = (f"a restart is needed for {', '.join(waiting)} to count",) if waiting else ()
        return self._at_start + ((self._refused,) if self._refused else ()) + restart

    def restart_needed(self) -> tuple[str, ...]:
        """Return the fields whose value in force differs from what we started with and that only count at start."""
        return tuple(path for path in changed(self._started, self.settings) if path not in LIVE)

    def view(self) -> ConfigView:
        """Return the settings for people."""
        sources = {path: self._effective.source(path) for path in leaves(shown(self.settings))}
        return ConfigView(
            settings=shown(self.settings),
            sources=sources,
            restart_needed=self.restart_needed(),
            problems=self.problems(),
        )

    def check_with(self, check: Callable[[Settings], None]) -> None:
        """Let `check` refuse changes (by `Rejected`) that are well-formed but would not work here."""
        self._check = check

    async def changed(self, seen: Settings) -> Settings:
        """Wait until the settings in force are others than `seen`; return them."""
        while self.settings == seen:
            await self._change.wait()
        return self.settings

    async def patch(self, patch: Mapping[str, Any], *, expected: int | None) -> ConfigView:
        """Change what the endpoint may change by a JSON merge patch; null gives a field back to the file or default.

        Durable before it counts.

        Raises:
            StaleVersion: the settings are not those of `expected` any more.
            Conflict: a field is pinned by the environment.
            Rejected: a field is unknown, wrong or not for the endpoint; nothing has changed.
            StorageBroken, StorageFull: it could not be kept; nothing has changed.
        """
        async with self._lock:
            if expected is not None and expected != self.version:
                raise StaleVersion("the settings were changed since you read them", current=self.version)
            self._refuse_unpatchable(patch)
            accepted = merge(self._layers[Source.ACCEPTED], patch)
            accepted = {section: fields for section, fields in accepted.items() if fields != {}}
            effective = self._resolved({**self._layers, Source.ACCEPTED: accepted})
            await asyncio.to_thread(setting_sources.save_values, self._kept(setting_sources.ACCEPTED), accepted)
            self._layers[Source.ACCEPTED] = accepted
            self._put_in_force(effective)
            return self.view()

    def reload(self) -> None:
        """Take over the file as it is now, or refuse it with a reason, the settings in force untouched."""
        if self.file is None:
            return
        try:
            layer = read_toml(self.file)
            effective = self._resolved({**self._layers, Source.FILE: layer})
        except Rejected as error:
            self._refused = f"{self.file} is refused, the settings before stay in force: {one_line(error)}"
            log.warning("settings=%s refused: %s", self.file, one_line(error))
            self._wake()
            return
        self._refused, self._at_start = "", ()
        self._layers[Source.FILE] = layer
        self._put_in_force(effective)
        self.remember()

    def remember(self) -> None:
        """Keep the file's values, if they are all good, for a start at which the file no longer is."""
        if self.file is None or self._at_start or self._refused:
            return
        try:
            setting_sources.save_values(self._kept(setting_sources.LAST_GOOD), self._layers[Source.FILE])
        except (StorageBroken, StorageFull) as error:
            log.warning("settings=%s not kept for a bad day: %s", self.file, error)

    def _kept(self, name: str) -> Path:
        return self._started.storage.state_dir / setting_sources.STATE / name

    def _resolved(self, layers: Mapping[Source, Values]) -> Effective:
        effective = resolve(_ordered(layers))
        if self._check is not None:
            self._check(effective.settings)
        return effective

    def _put_in_force(self, effective: Effective) -> None:
        paths = changed(self.settings, effective.settings)
        self._effective = effective
        if paths:
            log.info("settings=%s changed", ",".join(paths))
        self._wake()

    def _wake(self) -> None:
        self._change.set()
        self._change = asyncio.Event()

    def _refuse_unpatchable(self, patch: Mapping[str, Any]) -> None:
        fields = leaves(patch)
        pinned = [path for path in fields if path in leaves(self._layers[Source.ENVIRONMENT])]
        if pinned:
            names = [setting_sources.variable(path) for path in pinned]
            raise Conflict(
                f"{', '.join(pinned)} is set by {', '.join(names)} and can only be changed there", users=names
            )
        wrong = {
            path: "this is the mask; leave it out or send the real value" for path in fields if fields[path] == _MASK
        }
        if _NOT_BY_ENDPOINT in fields:
            wrong[_NOT_BY_ENDPOINT] = "says where accepted settings are kept; set it in the file or the environment"
        wrong |= {path: "must be an object of fields" for path in fields if "." not in path}
        if wrong:
            raise Rejected(f"These fields cannot be changed so: {', '.join(sorted(wrong))}.", fields=wrong)


def load_configuration(file: Path | None) -> Configuration:
    """Load all layers; never fails, for a screen has to start: what is wrong is left out and told by `problems`.

    A file that cannot be read, or holds a wrong field, gives way to the last good one that was kept.
    """
    told: list[str] = []
    environment = _or_told(setting_sources.read_environment, told) or {}
    values = _or_told(lambda: read_toml(file), told) if file is not None else {}
    known, _ = rescue(_ordered({Source.FILE: values or {}, Source.ENVIRONMENT: environment}))
    state_dir = resolve(known).settings.storage.state_dir / setting_sources.STATE
    if fault := "" if values is None else _fault(values):
        told.append(f"{file} is wrong: {fault}")
    if values is None or fault:
        last_good = _or_told(lambda: setting_sources.read_kept(state_dir / setting_sources.LAST_GOOD), told)
        if last_good is not None:
            told.append(f"The last valid settings of {file} are used.")
            values = last_good
    accepted = _or_told(lambda: setting_sources.read_kept(state_dir / setting_sources.ACCEPTED), told) or {}
    layers = {Source.FILE: values or {}, Source.ACCEPTED: accepted, Source.ENVIRONMENT: environment}
    kept, left_out = rescue(_ordered(layers))
    good = {layer.source: layer.values for layer in kept}
    return Configuration(good, resolve(kept), file=file, at_start=(*told, *left_out))


def _or_told(read: Callable[[], Read], told: list[str]) -> Read | None:
    try:
        return read()
    except Rejected as error:
        told.append(one_line(error))
        return None


def _fault(values: Values) -> str:
    """Return what is wrong with the file's values, empty if nothing is."""
    try:
        resolve([Layer(Source.FILE, values)])
    except Rejected as error:
        return one_line(error)
    return ""


def _ordered(layers: Mapping[Source, Values]) -> list[Layer]:
    return [Layer(source, layers[source]) for source in Source if source in layers]


def _revealed(settings: Settings) -> dict[str, str]:
    fields = leaves(settings.model_dump())
    return {k: v.get_secret_value() if isinstance(v, SecretStr) else str(v) for k, v in fields.items()}
