"""The page of examples: what each operation of an origin is sent, and what it answers."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

from endpoints import origin_document

from sync.http.examples import read_examples
from sync.origin.api.monitoring import EXAMPLES

MISSING = "no example of {}: add a call where it belongs in tests/origin/examples, run python -m tests.origin.examples"


def page() -> str:
    """Return the page; an operation without an example is an error."""
    document, known = asyncio.run(origin_document()), read_examples(EXAMPLES)
    operations = [
        (f"{method.upper()} {path}", one)
        for path, methods in sorted(document["paths"].items())
        for method, one in methods.items()
    ]
    if missing := [name for name, one in operations if one["operationId"] not in known]:
        raise SystemExit(MISSING.format(", ".join(missing)))
    intro = (
        "What an origin was really asked, and what it answered; a test asks all of it again. Ids, hashes, tokens and "
        "signatures stand for others, and lists and long texts are cut.\n"
    )
    parts = (_section(name, one["summary"], known[one["operationId"]]) for name, one in operations)
    return f"# Examples\n\n{intro}\n" + "\n".join(parts)


def _section(name: str, summary: str, example: Mapping[str, Any]) -> str:
    return "\n".join((f"## {name}\n\n{summary}\n", "```http", *_lines(name.partition(" ")[0], example), "```\n"))


def _lines(method: str, example: Mapping[str, Any]) -> Iterator[str]:
    request, answer = example["request"], example["answer"]
    query = "&".join(f"{name}={value}" for name, value in request.get("query", {}).items())
    yield f"{method} {request['path']}" + (f"?{query}" if query else "")
    yield from _message(request)
    yield ""
    yield f"{answer['status']} {answer.get('type', '')}".strip()
    yield from _message(answer)


def _message(message: Mapping[str, Any]) -> Iterator[str]:
    for name, value in message.get("headers", {}).items():
        yield f"{name}: {value}"
    if "body" in message:
        body = message["body"]
        yield body if isinstance(body, str) else json.dumps(body, indent=1, ensure_ascii=False)
