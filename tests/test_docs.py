"""The documents are true where a program can tell: links, names of files, and the reference made from the code."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.origin.api.monitoring import EXAMPLES
from sync.words.problems import PROBLEMS
from tests import TOP
from tests.origin.examples.story import tell

PAGES = sorted([TOP / "README.md", *TOP.glob("docs/**/*.md"), *TOP.glob(".github/**/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"`((?:player|sync|tests|script|config|systemd|docs)/[\w./-]+\.\w+)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ANSWERING = (
    "sync/http", "sync/origin/api", "sync/origin/http", "sync/origin/ingest", "sync/origin/intake", "sync/origin/live",
    "sync/origin/login", "sync/origin/people", "sync/origin/persistence", "sync/origin/store",
)  # fmt: skip
"""Where what is raised becomes a problem."""
RAISED = {
    "Rejected", "NotFound", "Forbidden", "Unauthenticated", "CodeNeeded", "Conflict", "StaleVersion", "TooLarge",
    "TooManyTries", "Unsupported", "Overloaded",
}  # fmt: skip
NOT_ANSWERED = {
    "cannot listen on {} port {}: {}",  # with these three the origin does not start
    "storage.database_url is not the address of a database: {}",
    "the driver for storage.database_url is not installed: {}",
}


def _anchors(page: Path) -> set[str]:
    """The anchors a forge makes of the headings of a page."""
    heads = (re.sub(r"[`*]|\]\([^)]*\)|\[", "", head).strip().lower() for head in HEADING.findall(page.read_text()))
    return {re.sub(r"[^\w\- ]", "", head).replace(" ", "-") for head in heads}


def _links(page: Path) -> Iterator[tuple[Path, str]]:
    for link in LINK.findall(page.read_text()):
        if "://" not in link and not link.startswith("mailto:"):
            path, _, anchor = link.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in _links(page):
        assert target.exists(), f"{page.name} links to {target}, which is not there"
        assert not anchor or anchor in _anchors(target), f"{page.name} links to {target.name}#{anchor}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_files_that_are_named_exist(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return  # it names what was
    missing = [name for name in NAMED_FILE.findall(page.read_text()) if not (TOP / name).exists()]
    assert not missing


def test_every_decision_is_in_the_index() -> None:
    folder = TOP / "docs/decisions"
    listed = {target for target, _ in _links(folder / "README.md")}
    assert not [path.name for path in folder.glob("*.md") if path.name != "README.md" and path not in listed]


def test_the_reference_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, "script/documentation", "--check"], cwd=TOP, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


async def test_the_examples_are_what_an_origin_answers(tmp_path: Path) -> None:
    told = await tell(tmp_path)
    stored = json.loads(EXAMPLES.read_text())
    assert told == stored, "run python -m tests.origin.examples, and look at what has changed"


def _raised() -> Iterator[tuple[str, str]]:
    """Yield where each refusal with a text of its own is raised, and the text with {} for what is not fixed."""
    for folder in ANSWERING:
        for path in sorted((TOP / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
                    text = _text(node.args[0]) if node.args else None
                    if text is not None and text.replace("{}", "").strip():  # else it is put together elsewhere
                        yield f"{path.relative_to(TOP)}:{node.lineno}", text


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def test_every_refusal_of_the_origin_is_in_the_table() -> None:
    assert len(list(_raised())) > 60, "the test finds what is raised"
    without = [
        f"{where}: {text}"
        for where, text in _raised()
        if text not in NOT_ANSWERED and not PROBLEMS.told(text.replace("{}", "<value>")).code
    ]
    assert not without, "give each a code in sync/words/problems.py:\n" + "\n".join(without)
