"""What script/release refuses, and what it does with a checkout that is ready."""

import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent.parent
READY = {
    "pyproject.toml": '[project]\nname = "it"\nversion = "1.2.0"\n',
    "player/__init__.py": '"""It."""\n\n__version__ = "1.2.0"\n',
    "sync/origin/__init__.py": '"""It."""\n\n__version__ = "1.2.0"\n',
    "docs/CHANGELOG.md": "# Changelog\n\n## 1.2.0 - 2026-12-01\n\n## 1.1.0 - 2026-11-01\n",
    ".gitignore": "/dist/\n.venv/\n",
    "script/test": "#!/bin/sh\necho tested\n",
    "script/libraries": "#!/bin/sh\n",
}


def git(checkout: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=checkout, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A committed checkout on main that can be released; its build makes two empty archives."""
    for name, text in READY.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    shutil.copy(TOP / "script/release", tmp_path / "script/release")
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nmkdir dist && touch dist/it-1.2.0.tar.gz dist/it-1.2.0-py3-none-any.whl\n")
    for program in (python, tmp_path / "script/test", tmp_path / "script/libraries"):
        program.chmod(0o755)
    git(tmp_path, "init", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "release: 1.2.0")
    return tmp_path


def release(checkout: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run([checkout / "script/release", *options], capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.returncode, done.stdout


def test_a_checkout_that_is_ready_is_tested_and_built(checkout: Path) -> None:
    code, said = release(checkout)
    assert (code, said.splitlines()[0]) == (0, "tested")
    for line in ("dist/it-1.2.0.tar.gz", "dist/it-1.2.0-py3-none-any.whl", "git push origin main v1.2.0"):
        assert f"  {line}" in said.splitlines()


def test_a_dry_run_only_looks(checkout: Path) -> None:
    assert release(checkout, "--dry-run") == (0, "version 1.2.0: ready to be tested and built\n")
    assert not (checkout / "dist").exists()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (
            "player/__init__.py",
            '__version__ = "1.1.0"\n',
            "player/__init__.py says version 1.1.0, pyproject.toml says 1.2.0",
        ),
        ("sync/origin/__init__.py", '"""It."""\n', "sync/origin/__init__.py says version nothing"),
        ("docs/CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n## 1.1.0 - 2026-11-01\n", "no section `## 1.2.0"),
    ],
)
def test_what_does_not_agree_is_named(checkout: Path, name: str, text: str, reason: str) -> None:
    (checkout / name).write_text(text)
    git(checkout, "commit", "--all", "--message", "change")
    code, said = release(checkout)
    assert code == 1 and reason in said and "tested" not in said
    assert said.count("missing:") == 1


def test_changes_another_branch_and_a_released_version_are_refused_together(checkout: Path) -> None:
    git(checkout, "tag", "v1.2.0")
    git(checkout, "switch", "--create", "topic")
    (checkout / "new").touch()
    code, said = release(checkout, "--dry-run")
    assert code == 1
    for reason in ("the branch is topic", "the checkout has changes", "v1.2.0 is released already"):
        assert f"missing: {reason}" in said


def test_a_failed_test_ends_it(checkout: Path) -> None:
    (checkout / "script/test").write_text("#!/bin/sh\nexit 1\n")
    git(checkout, "commit", "--all", "--message", "break")
    code, said = release(checkout)
    assert code == 1 and "failed: " in said and "script/test" in said
    assert not (checkout / "dist").exists()
