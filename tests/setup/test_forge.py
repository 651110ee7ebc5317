"""The files a public forge and an editor read are what they take."""

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent.parent
GITHUB = TOP / ".github"
SCHEMAS = {
    "vendor.github-workflows": sorted(GITHUB.glob("workflows/*.yml")),
    "custom.github-workflows-require-timeout": sorted(GITHUB.glob("workflows/*.yml")),
    "vendor.github-issue-forms": [GITHUB / "ISSUE_TEMPLATE/bug.yml", GITHUB / "ISSUE_TEMPLATE/wish.yml"],
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE/config.yml"],
}


def check(schema: str, *files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("schema", list(SCHEMAS))
def test_workflows_and_templates_follow_their_schemas(schema: str) -> None:
    assert SCHEMAS[schema]
    done = check(schema, *SCHEMAS[schema])
    assert done.returncode == 0, done.stdout


def test_a_misspelt_workflow_would_be_found(tmp_path: Path) -> None:
    text = (GITHUB / "workflows/test.yml").read_text()
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(text.replace("runs-on:", "run-on:"))
    assert wrong.read_text() != text
    assert check("vendor.github-workflows", wrong).returncode == 1


def test_workflows_and_hooks_call_scripts_that_are_there() -> None:
    texts = [path.read_text() for path in (*SCHEMAS["vendor.github-workflows"], TOP / ".pre-commit-config.yaml")]
    called = {word for text in texts for word in text.split() if word.startswith("script/")}
    assert {"script/check", "script/test"} <= called
    assert [word for word in sorted(called) if not (TOP / word).is_file()] == []
