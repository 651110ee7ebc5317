"""The commands `signage-origin media|playlists|schedule|… VERB`: asks an origin what it can do, then to do it."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sync.command_output import one_line, print_answer
from sync.errors import Rejected, SignageError
from sync.origin.remote.answers import lines_of
from sync.origin.remote.arguments import FIELD, OPTION, add_connection, parser_of
from sync.origin.remote.client import ApiClient, open_client
from sync.origin.remote.uploads import upload
from sync.origin.remote.verbs import Verb, verbs_of
from sync.runtime.os_messages import os_reason

URL, KEY = "SIGNAGE_ORIGIN_URL", "SIGNAGE_ORIGIN_KEY"
_HERE = "http://127.0.0.1:8090"


def main(arguments: Sequence[str]) -> int:
    """Run a command; return its exit code: 0 done, 1 it could not be done, 2 it was called wrongly."""
    try:
        return asyncio.run(_run(arguments[0], arguments[1:]))
    except SignageError as error:
        print(f"signage-origin: {one_line(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


async def _run(thing: str, arguments: Sequence[str]) -> int:
    connection = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_connection(connection)
    known, _ = connection.parse_known_args(arguments)
    async with open_client(known.origin or os.environ.get(URL) or _HERE, _key(known.key_file)) as client:
        document = await client.ask("GET", "/v1/openapi.json")
        if not isinstance(document, dict) or "paths" not in document:
            raise Rejected(f"{client.url} is not the address of an origin: it does not say what it can do")
        verbs = verbs_of(thing, document)
        if not verbs:
            raise Rejected(f"the origin at {client.url} has no {one_line(thing)} to talk of")
        options = parser_of(thing, verbs).parse_args(arguments)
        answer = await (_call(client, options.verb, vars(options)) if options.verb else _upload(client, options.files))
    if isinstance(answer, bytes):
        sys.stdout.buffer.write(answer)
        return 0
    print_answer(json.dumps(answer) if options.json else "\n".join(lines_of(answer)))
    return 0


async def _call(client: ApiClient, verb: Verb, given: Mapping[str, Any]) -> Any:
    ids = {one["name"]: _in_path(given[one["name"]]) for one in verb.parameters_in("path")}
    query = {name: _plain(value) for name, value in _given(given, OPTION).items() if value is not None}
    seen = given.get("seen_version")
    headers = {} if seen is None else {"If-Match": f'"{seen}"'}
    body = {**_body(given.get("body")), **_given(given, FIELD)} if verb.fields else None
    return await client.ask(verb.method, verb.path.format(**ids), query=query, headers=headers, body=body)


async def _upload(client: ApiClient, files: Sequence[Path]) -> Any:
    sent = [await upload(client, path, lambda text: print(text, file=sys.stderr)) for path in files]
    return {"media": sent}


def _given(options: Mapping[str, Any], begins: str) -> dict[str, Any]:
    """Return what was given, `null` too: that empties a field."""
    return {name.removeprefix(begins): value for name, value in options.items() if name.startswith(begins)}


def _in_path(given: str) -> str:
    if given in ("", ".", ".."):  # what is left of the path would be another operation
        raise Rejected(f"{given!r} is the id of nothing")
    return quote(given, safe="")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _body(file: str | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        read = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text())
    except OSError as error:
        raise Rejected(f"{file} cannot be read: {os_reason(error)}") from error
    except ValueError as error:
        raise Rejected(f"{file} is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise Rejected(f"{file} is no JSON object: write the fields with their names")
    return read


def _key(file: Path | None) -> str:
    """Return a key: the first word of a file, for `keys add` says below it whose key it is."""
    try:
        text = os.environ.get(KEY, "") if file is None else file.read_text()
    except OSError as error:
        raise Rejected(f"{file} cannot be read: {os_reason(error)}") from error
    except UnicodeDecodeError as error:
        raise Rejected(f"{file} is no file with a key: it is not text") from error
    return next(iter(text.split()), "")
