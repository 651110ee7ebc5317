"""The settings in force: loaded from their layers, changed as a whole or not at all, stored durably.

Layers, weakest first: defaults, `player.toml` (never written), `state/config.json` (accepted by the endpoint),
environment. Code reads `configuration.settings` when it needs a setting, and waits for changes with
`wait_for_change`.
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

from player.settings import setting_sources as setting_sources
from player.settings.layers import (
    Effective,
    Layer,
    Source,
    Values,
    changed_fields,
    fields_by_path,
    leave_out_wrong_fields,
    merge,
    resolve,
    with_masked_secrets,
)
from player.settings.model import Settings
from player.settings.setting_sources import read_saved_values
from sync.errors import Conflict, Rejected, StaleVersion, StorageBroken, StorageFull
from sync.wire.input.input_messages import one_line, read_toml

LIVE = frozenset(
    {
        "origin.url",
        "origin.name",
        "origin.enrolment_key",
        "origin.fingerprint",
        "origin.proxy",
        "origin.no_proxy",
        "origin.ca_certificates",
        "origin.mirrors",
        "origin.poll_s",
        "origin.heartbeat_s",
        "origin.plays_s",
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
        "bandwidth.all_kbit_s",
        "bandwidth.line_kbit_s",
        "bandwidth.venue_hosts",
        "bandwidth.windows",
        "bandwidth.month_budget_bytes",
        "bandwidth.month_reserve_bytes",
        "endpoint.allowed_hosts",
        "logging.level",
    }
)
"""Fields whose changes apply at once; changes of all others apply at the next start."""

_NOT_BY_ENDPOINT = "storage.state_dir"
_MASK = "**********"

Value = TypeVar("Value")

log = logging.getLogger(__name__)


class ConfigView(BaseModel):
    """The settings for people: values with masked secrets, the source of each field, and what needs a restart."""

    settings: dict[str, Any]
    sources: dict[str, Source]
    environment_prefix: str = setting_sources.PREFIX
    restart_needed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Configuration:
    """The settings of this player; made by `load_configuration`."""

    def __init__(
        self,
        layers: Mapping[Source, Values],
        effective: Effective,
        *,
        file: Path | None,
        problems: tuple[str, ...],
        lasting_problems: tuple[str, ...] = (),
        accepted_problem: str = "",
    ) -> None:
        self._layers = dict(layers)
        self._effective = effective
        self._settings_at_start = effective.settings
        self._load_problems = (*problems, *lasting_problems)
        self._lasting_problems = lasting_problems  # of the environment, which is read at the start only
        self._accepted_problem = accepted_problem
        self._reload_problem = ""
        self._salt = os.urandom(16)
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._check: Callable[[Settings], None] | None = None
        self.file = file

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._effective.settings

    @property
    def version(self) -> int:
        """The ETag: another number for other values. It is salted, because the values contain secrets."""
        values = json.dumps(_fields_with_secrets(self.settings), sort_keys=True).encode()
        return int(hashlib.sha256(self._salt + values).hexdigest()[:12], 16)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the settings, in sentences for a technician."""
        waiting = self.restart_needed()
        restart = (f"Restart the player to apply {', '.join(waiting)}.",) if waiting else ()
        return self._load_problems + tuple(filter(None, (self._accepted_problem, self._reload_problem))) + restart

    def restart_needed(self) -> tuple[str, ...]:
        """Return the changed fields that apply only at the next start."""
        return tuple(path for path in changed_fields(self._settings_at_start, self.settings) if path not in LIVE)

    def view(self) -> ConfigView:
        """Return the settings for people."""
        sources = {path: self._effective.source(path) for path in fields_by_path(with_masked_secrets(self.settings))}
        return ConfigView(
            settings=with_masked_secrets(self.settings),
            sources=sources,
            restart_needed=self.restart_needed(),
            problems=self.problems(),
        )

    def set_check(self, check: Callable[[Settings], None]) -> None:
        """Set a function that raises Rejected for settings that are valid but cannot work on this device."""
        self._check = check

    async def wait_for_change(self, known: Settings) -> Settings:
        """Wait until the settings differ from `known`; return them."""
        while self.settings == known:
            await self._changed.wait()
        return self.settings

    async def patch(self, patch: Mapping[str, Any], *, expected: int | None) -> ConfigView:
        """Change settings by a JSON merge patch; null returns a field to the value of the file or the default.

        The change is stored durably before it applies.

        Raises:
            StaleVersion: the settings have changed since version `expected`.
            Conflict: the environment sets one of the fields.
            Rejected: a field is unknown, wrong, or cannot be changed over the endpoint; nothing has changed.
            StorageBroken, StorageFull: the change cannot be stored; nothing has changed.
        """
        async with self._lock:
            if expected is not None and expected != self.version:
                raise StaleVersion("the settings have changed since you read them", current=self.version)
            self._check_patch(patch)
            accepted = merge(self._layers[Source.ACCEPTED], patch)
            accepted = {section: fields for section, fields in accepted.items() if fields != {}}
            effective = self._resolve_and_check({**self._layers, Source.ACCEPTED: accepted})
            await asyncio.to_thread(setting_sources.save_values, self._state_file(setting_sources.ACCEPTED), accepted)
            self._layers[Source.ACCEPTED], self._accepted_problem = accepted, ""
            self._apply(effective)
            return self.view()

    def reload(self) -> None:
        """Apply the file as it is now; if it is wrong, report why and change nothing."""
        if self.file is None:
            return
        try:
            layer = read_toml(self.file)
            effective = self._resolve_and_check({**self._layers, Source.FILE: layer})
        except Rejected as error:
            self._reload_problem = f"{self.file} is refused, and the settings do not change: {one_line(error)}"
            log.warning("settings=%s refused: %s", self.file, one_line(error))
            self._notify_waiting()
            return
        self._reload_problem, self._load_problems = "", self._lasting_problems
        self._layers[Source.FILE] = layer
        self._apply(effective)
        self.save_last_valid()

    def repair_accepted(self) -> None:
        """Repair the file of the accepted settings from its copy, or its copy from it."""
        try:
            setting_sources.repair_values(self._state_file(setting_sources.ACCEPTED))
        except (StorageBroken, StorageFull) as error:
            log.warning("the accepted settings cannot be repaired: %s", error)

    async def check_accepted(self) -> None:
        """Repair the file of the accepted settings, and apply them if they could not be read at the start."""
        async with self._lock:
            await asyncio.to_thread(self.repair_accepted)
            if not self._accepted_problem:
                return
            try:
                accepted = await asyncio.to_thread(read_saved_values, self._state_file(setting_sources.ACCEPTED)) or {}
                effective = self._resolve_and_check({**self._layers, Source.ACCEPTED: accepted})
            except Rejected as error:
                self._accepted_problem = one_line(error)
                return
            self._layers[Source.ACCEPTED], self._accepted_problem = accepted, ""
            log.info("the accepted settings are read")
            self._apply(effective)

    def save_last_valid(self) -> None:
        """Store the values of the file, if they are all valid. A start with a wrong file uses them."""
        if self.file is None or self._load_problems != self._lasting_problems or self._reload_problem:
            return
        try:
            setting_sources.save_values(self._state_file(setting_sources.LAST_GOOD), self._layers[Source.FILE])
        except (StorageBroken, StorageFull) as error:
            log.warning("settings=%s cannot be stored as the last valid ones: %s", self.file, error)

    def _state_file(self, name: str) -> Path:
        return self._settings_at_start.storage.state_dir / setting_sources.STATE / name

    def _resolve_and_check(self, layers: Mapping[Source, Values]) -> Effective:
        effective = resolve(_layers_by_strength(layers))
        if self._check is not None:
            self._check(effective.settings)
        return effective

    def _apply(self, effective: Effective) -> None:
        paths = changed_fields(self.settings, effective.settings)
        self._effective = effective
        if paths:
            log.info("settings=%s changed", ",".join(paths))
        self._notify_waiting()

    def _notify_waiting(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _check_patch(self, patch: Mapping[str, Any]) -> None:
        fields = fields_by_path(patch)
        fixed = [path for path in fields if path in fields_by_path(self._layers[Source.ENVIRONMENT])]
        if fixed:
            names = [setting_sources.variable_name(path) for path in fixed]
            raise Conflict(f"the environment sets {', '.join(fixed)}: change {', '.join(names)} there", users=names)
        mask = "this is the mask of a secret: leave it out, or send the real value"
        wrong = {path: mask for path, value in fields.items() if value == _MASK}
        if _NOT_BY_ENDPOINT in fields:
            wrong[_NOT_BY_ENDPOINT] = "accepted settings are stored there: set it in the file or in the environment"
        wrong |= {path: "must be an object of fields" for path in fields if "." not in path}
        if wrong:
            raise Rejected(f"These fields cannot be changed in this way: {', '.join(sorted(wrong))}.", fields=wrong)


def load_configuration(file: Path | None) -> Configuration:
    """Load all layers. What is wrong is left out and reported by `problems`, so that the screen always starts.

    If the file cannot be read or has a wrong field, the last valid one is used.
    """
    environment, wrong_variables = setting_sources.read_environment()
    problems: list[str] = []
    values = _read_or_report(lambda: read_toml(file), problems) if file is not None else {}
    known, _ = leave_out_wrong_fields(_layers_by_strength({Source.FILE: values or {}, Source.ENVIRONMENT: environment}))
    state_dir = resolve(known).settings.storage.state_dir / setting_sources.STATE
    if fault := "" if values is None else _fault(values):
        problems.append(f"{file} is wrong: {fault}")
    if values is None or fault:
        last_good = _read_or_report(lambda: read_saved_values(state_dir / setting_sources.LAST_GOOD), problems)
        if last_good is not None:
            problems.append(f"The last valid settings of {file} are used.")
            values = last_good
    unread: list[str] = []
    accepted = _read_or_report(lambda: read_saved_values(state_dir / setting_sources.ACCEPTED), unread) or {}
    layers = {Source.FILE: values or {}, Source.ACCEPTED: accepted, Source.ENVIRONMENT: environment}
    valid, left_out = leave_out_wrong_fields(_layers_by_strength(layers))
    _, of_environment = leave_out_wrong_fields(_layers_by_strength({Source.ENVIRONMENT: environment}))
    problems += [one for one in left_out if one not in of_environment]
    values_by_source = {layer.source: layer.values for layer in valid}
    lasting = (*wrong_variables, *of_environment)
    return Configuration(
        values_by_source,
        resolve(valid),
        file=file,
        problems=tuple(problems),
        lasting_problems=lasting,
        accepted_problem="".join(unread),
    )


def _read_or_report(read: Callable[[], Value], problems: list[str]) -> Value | None:
    try:
        return read()
    except Rejected as error:
        problems.append(one_line(error))
        return None


def _fault(values: Values) -> str:
    """Return what is wrong with the values of the file; empty if nothing is."""
    try:
        resolve([Layer(Source.FILE, values)])
    except Rejected as error:
        return one_line(error)
    return ""


def _layers_by_strength(layers: Mapping[Source, Values]) -> list[Layer]:
    return [Layer(source, layers[source]) for source in Source if source in layers]


def _fields_with_secrets(settings: Settings) -> dict[str, str]:
    fields = fields_by_path(settings.model_dump())
    return {k: v.get_secret_value() if isinstance(v, SecretStr) else str(v) for k, v in fields.items()}
