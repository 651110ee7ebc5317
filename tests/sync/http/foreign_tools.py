"""Programs of others that read an OpenAPI document or metrics, and what they make of ours."""

import asyncio
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.long_tables import in_bench

CASES = [("fuzzing", "2"), *in_bench(("coverage,fuzzing", "20"))]
"""What schemathesis does, and how many examples it tries of each operation."""
_PATIENT = ("--suppress-health-check", "all", "--request-timeout", "60")  # the machine may have other work
_HERE = Path(__file__).parent
_BINARY = (
    "application/offset+octet-stream",
    "application/jsonl",
    "image/jpeg",
    "image/png",
    "video/mp4",
)  # the generator knows these as bytes only
_CONFIG = {"post_hooks": [], "content_type_overrides": dict.fromkeys(_BINARY, "application/octet-stream")}


def tool(name: str) -> str | None:
    """Return where a program is: beside this Python, or installed."""
    return shutil.which(name, path=f"{sys.prefix}/bin:{os.environ['PATH']}")


def needs(name: str) -> pytest.MarkDecorator:
    """Skip a test whose program is not here; in CI it fails instead."""
    missing = tool(name) is None and "CI" not in os.environ
    return pytest.mark.skipif(missing, reason=f"{name} is not here: script/setup test installs it")


def run(name: str, *arguments: str | Path, **options: Any) -> str:
    """Run a program that must find no fault; return what it says."""
    program = tool(name)
    assert program is not None, f"{name} is not here: see what script/setup test says"
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def check_metrics(metrics: str) -> None:
    """Have `promtool check metrics` read an answer of /metrics."""
    assert run("promtool", "check", "metrics", input=metrics) == ""


def try_everything(url: str, token: str, folder: Path, phases: str, most: str) -> None:
    """Have schemathesis send what the document allows, and what it does not, to every operation."""
    config = ("--config-file", _HERE / "schemathesis.toml")
    asked = (
        "--phases",
        phases,
        "--max-examples",
        most,
        "--seed",
        "1",
        *_PATIENT,
        "--header",
        f"Authorization: Bearer {token}",
    )
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(_HERE)}
    run("schemathesis", *config, "run", f"{url}/v1/openapi.json", *asked, cwd=folder, env=environment)


class GeneratedClient:
    """A client that `openapi-python-client` made of a document."""

    def __init__(self, document: Mapping[str, Any], folder: Path, name: str) -> None:
        for file, content in (("openapi.json", document), ("config.json", _CONFIG)):
            (folder / file).write_text(json.dumps(content))
        where = ("--path", folder / "openapi.json", "--config", folder / "config.json", "--output-path", folder / name)
        run("openapi-python-client", "generate", *where, "--meta", "none", "--fail-on-warning")
        self._name = name
        self.models = self._module("models")
        self.types = self._module("types")

    def session(self, url: str, token: str) -> Any:
        """Return what operations are called with."""
        return self._module("client").AuthenticatedClient(base_url=url, token=token)

    def operation(self, name: str) -> Callable[..., Awaitable[Any]]:
        """Return an operation; its answer has `status_code`, `headers` and `parsed`."""
        return partial(asyncio.to_thread, self._module(f"api.default.{name}").sync_detailed)

    def _module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self._name}.{name}")
