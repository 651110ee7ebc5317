"""The page of settings, and the example files in `config/`, from the models and the strings below their fields."""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from markdown import table
from models import type_text
from pydantic import BaseModel

from player.settings.configuration import LIVE
from player.settings.model import Settings
from sync.origin.settings.model import OriginConfiguration

WIDTH = 120

PLAYER_HEAD = """\
The settings of a signage player. Copy this file to /etc/signage/player.toml and change what you need. The player
notices changes of the file and applies them. If a value is wrong, it says why (see `signage-player status`) and keeps
the settings it had.

Later sources override earlier ones: the defaults (shown here), this file, changes through the page of the device or
PATCH /v1/config, environment variables SIGNAGE_PLAYER__SECTION__KEY (for example SIGNAGE_PLAYER__ORIGIN__URL). The
player never writes to this file. Settings marked [start] count from the next start, all others at once. A line that
begins with "#: " is an example of a setting that is empty by default.
"""
ORIGIN_HEAD = """\
The settings of a signage origin, with their defaults. The origin reads this file when it starts.

Later sources override earlier ones: this file, environment variables SIGNAGE_ORIGIN__SECTION__KEY (lists as JSON), the
command line. An unknown setting is an error that names it. A line that begins with "#: " is an example of a setting
that is empty by default.
"""
PAGE = """\
# Settings

The example files `config/player.toml` and `config/origin.toml` are made from the same source.

## Device

File `/etc/signage/player.toml`, variables `SIGNAGE_PLAYER__SECTION__KEY`.

{device}## Origin

File `/etc/signage/origin.toml`, variables `SIGNAGE_ORIGIN__SECTION__KEY`. All settings count from the next start.

{origin}"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One field: `default` as in JSON, `example` if it has no default."""

    name: str
    text: str
    schema: Mapping[str, Any]
    default: Any
    example: Any
    live: bool


def page() -> str:
    """Return the page of all settings."""
    return PAGE.format(device=_tables(Settings, LIVE), origin=_tables(OriginConfiguration, None))


def player_file() -> str:
    """Return `config/player.toml`."""
    return _file(PLAYER_HEAD, Settings, LIVE)


def origin_file() -> str:
    """Return `config/origin.toml`."""
    return _file(ORIGIN_HEAD, OriginConfiguration, None)


def _sections(model: type[BaseModel], live: frozenset[str] | None) -> Iterator[tuple[str, str, list[Setting]]]:
    """Yield name, description and settings of each section; without `live` no setting is marked."""
    with patch("os.geteuid", return_value=0):  # the folders of a service
        values = model().model_dump(mode="json")
    for section, field in model.model_fields.items():
        kind = field.annotation
        assert isinstance(kind, type) and issubclass(kind, BaseModel)
        texts, schema = _texts(kind), kind.model_json_schema(ref_template="{model}")
        settings = [
            Setting(
                name=name,
                text=texts[name],
                schema=schema["properties"][name],
                default=values[section][name],
                example=next(iter(one.examples or ()), None),
                live=live is None or f"{section}.{name}" in live,
            )
            for name, one in kind.model_fields.items()
        ]
        yield section, inspect.getdoc(kind) or "", settings


def _texts(kind: type[BaseModel]) -> dict[str, str]:
    """Return the string below each field."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    texts: dict[str, str] = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant), ast.unparse(field)
            texts[field.target.id] = inspect.cleandoc(str(below.value.value))
    return texts


def _tables(model: type[BaseModel], live: frozenset[str] | None) -> str:
    parts = []
    for section, text, settings in _sections(model, live):
        rows = [
            (
                f"`{one.name}`",
                _type(one.schema),
                f"`{_value(one.default)}`" if one.default is not None else "",
                _note(one),
            )
            for one in settings
        ]
        parts.append(f"### [{section}]\n\n{text}\n\n{table(('setting', 'type', 'default', 'meaning'), rows)}\n")
    return "".join(parts)


def _note(one: Setting) -> str:
    return f"{one.text}{'' if one.live else ' Counts from the next start.'}"


def _type(schema: Mapping[str, Any]) -> str:
    return type_text(schema).replace("[", "").split("](")[0] if "$ref" in schema else type_text(schema).split("](")[0]


def _file(head: str, model: type[BaseModel], live: frozenset[str] | None) -> str:
    parts = ["\n".join(f"# {line}".rstrip() for line in head.splitlines())]
    for section, text, settings in _sections(model, live):
        parts.append("\n".join([*_comment(text), f"[{section}]", *(line for one in settings for line in _lines(one))]))
    return "\n\n".join(parts) + "\n"


def _lines(one: Setting) -> Iterator[str]:
    yield from _comment(one.text if one.live else f"[start] {one.text}")
    yield f"#: {one.name} = {_value(one.example)}" if one.default is None else f"{one.name} = {_value(one.default)}"


def _comment(text: str) -> list[str]:
    return [
        f"# {line}"
        for paragraph in text.split("\n\n")
        for line in textwrap.wrap(" ".join(paragraph.split()), WIDTH - 2)
    ]


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
