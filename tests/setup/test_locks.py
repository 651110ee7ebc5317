"""The locks of script/locks: each role installs what it needs, whole, with hashes, and nothing of another role."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
EXTRAS = {
    "device": (),
    "origin": ("origin",),
    "archive": ("origin", "archive"),
    "demo": ("origin", "demo"),
    "test": ("origin", "archive", "demo", "test"),
}
PINNED = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))? \\$", re.MULTILINE)


def text_of(role: str) -> str:
    return (TOP / "script/locks" / f"{role}.lock").read_text()


def pinned(role: str) -> set[tuple[str, str]]:
    return {(match["name"], match["version"]) for match in PINNED.finditer(text_of(role))}


def names(role: str) -> set[str]:
    return {name for name, _ in pinned(role)}


def imported(rooms: Iterator[Path]) -> set[str]:
    """Return the top names that these files import, without the standard library and our own packages."""
    found: set[str] = set()
    for path in rooms:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"player", "sync"}


def of_the_device() -> Iterator[Path]:
    yield from (TOP / "player").rglob("*.py")
    yield from (path for path in (TOP / "sync").rglob("*.py") if not path.is_relative_to(TOP / "sync/origin"))


def test_a_screen_installs_nothing_of_the_origin_the_demo_or_the_tests() -> None:
    others = {"sqlalchemy", "greenlet", "asyncpg", "async-lru", "pillow-heif", "rich", "tuspy", "requests", "pytest"}
    assert others <= names("test")
    assert not others & names("device")
    assert not {"rich", "tuspy", "requests", "pytest"} & names("origin")


@pytest.mark.parametrize("role", ["device", "archive"])  # an origin imports what reads archives only where it has any
def test_what_a_role_imports_is_in_its_lock(role: str) -> None:
    files = of_the_device() if role == "device" else (TOP / "sync").rglob("*.py")
    distributions = packages_distributions()
    wanted = {name: {canonicalize_name(one) for one in distributions.get(name, [])} for name in imported(files)}
    assert len(wanted) > 5
    assert {name for name, providers in wanted.items() if not providers & names(role)} == set()


@pytest.mark.parametrize("role", list(EXTRAS))
def test_a_lock_holds_what_the_project_asks_for(role: str) -> None:
    asked = [
        *PROJECT["dependencies"],
        *(one for extra in EXTRAS[role] for one in PROJECT["optional-dependencies"][extra]),
    ]
    for requirement in map(Requirement, asked):
        versions = [version for name, version in pinned(role) if name == canonicalize_name(requirement.name)]
        assert versions, f"{requirement.name} is not in {role}.lock: run script/lock"
        assert all(requirement.specifier.contains(version) for version in versions)


@pytest.mark.parametrize("role", list(EXTRAS))
def test_a_lock_names_hashes_and_no_place(role: str) -> None:
    text = text_of(role)
    packages = PINNED.split(text)[0::4]
    assert len(packages) > 20
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", hashes) for hashes in packages[1:])
    assert "://" not in text and "index-url" not in text and "find-links" not in text


@pytest.mark.parametrize("role", ["device", "origin", "demo"])
def test_no_role_has_a_version_that_was_not_tested(role: str) -> None:
    assert pinned(role) <= pinned("test")
