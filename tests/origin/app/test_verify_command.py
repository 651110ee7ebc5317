"""`signage-origin verify` on a machine that has a file and a fingerprint, and nothing else of an origin."""

import json
from pathlib import Path

import pytest

from sync.origin.settings import loader
from tests.origin.app.test_cli import run
from tests.origin.proof.export.signed_screens import BEGINS, ENDS, Operator, SignedScreen

OPERATOR = Operator()
ROOT = OPERATOR.fingerprint()


def export_until(end: int) -> bytes:
    """Return an export with a play, and a checkpoint so many hours after its begin."""
    screen = SignedScreen("lobby", now=BEGINS)
    screen.sign()
    screen.play("spring-a")
    screen.now = BEGINS.replace(hour=BEGINS.hour + end)
    screen.sign()
    return b"".join(OPERATOR.export(screen, campaign="spring"))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder on a machine whose settings of an origin are wrong, and that has no data of one."""
    broken = tmp_path / "origin.toml"
    broken.write_text("[[[")
    monkeypatch.setattr(loader, "DEFAULT_FILE", broken)
    monkeypatch.setenv("SIGNAGE_ORIGIN__NOTHING", "1")
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.chdir("/")
    return tmp_path


@pytest.mark.parametrize(
    ("raw", "root", "code", "verdict"),
    [
        (export_until(2), ROOT, 0, "whole"),
        (export_until(1), ROOT, 3, "incomplete"),
        (export_until(2).replace(b"60000", b"60001"), ROOT, 1, "broken"),
        (export_until(2), "0" * 64, 1, "broken"),
        (export_until(2), f" {ROOT.upper()} ", 0, "whole"),
    ],
)
async def test_the_exit_code_and_the_text_tell_the_result(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], raw: bytes, root: str, code: int, verdict: str
) -> None:
    file = elsewhere / "export.jsonl"
    file.write_bytes(raw)
    got, out, err = await run(capsys, "verify", str(file), "--root", root)
    assert (got, err) == (code, "")
    assert out.startswith(verdict.upper())
    got, out, _ = await run(capsys, "verify", str(file), "--root", root, "--json")
    assert (got, json.loads(out)["verdict"]) == (code, verdict)


async def test_the_text_has_the_sums_and_what_it_cannot_show(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = elsewhere / "export.jsonl"
    file.write_bytes(export_until(2))
    _, out, _ = await run(capsys, "verify", str(file), "--root", ROOT)
    assert "        1         1      60.0 s           0            0  spring-a  Line spring-a" in out
    assert f"complete until {ENDS:%Y-%m-%dT%H:%M:%SZ}" in out
    assert "that a screen is real" in out


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("nothing.jsonl", "--root", ROOT), 1, "nothing.jsonl cannot be read"),
        ((".", "--root", ROOT), 1, "cannot be read"),
        (("nothing.jsonl",), 2, "--root"),
        (("nothing.jsonl", "--root", "beef"), 2, "is not a fingerprint"),
    ],
)
async def test_what_was_called_wrongly_is_told(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, text: str
) -> None:
    got, out, err = await run(capsys, "verify", *arguments)
    assert (got, out) == (code, "")
    assert text in err
