"""The command with wrong settings: it does not start, and says what is wrong in plain words."""

import subprocess
import sys
from pathlib import Path

import pytest

from sync.origin.app.cli import main

FAILED, WRONG_USAGE = 1, 2
MAIN = "import sys; from sync.origin.app.cli import main; sys.exit(main())"


def serve(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", MAIN, "serve", "--data-dir", str(tmp_path / "origin"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def refusal(output: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str) -> str:
    """Return what `serve` says in this process when it does not start."""
    assert main(["serve", "--data-dir", str(tmp_path / "origin"), *arguments]) == FAILED
    return output.readouterr().err


@pytest.mark.parametrize(
    ("text", "variable", "sentence"),
    [
        (b"[server]\nprt = 8090\n", "", "origin.toml are wrong. "
         "server.prt: There is no field of this name. Did you mean port?"),
        (b"[server]\nport = 'web'\n", "", 'server.port: "web" is not allowed here. '
         'Give a whole number from 0 to 65535.'),
        (b"[server\n", "", "origin.toml is not correct TOML in line 1, column 8: a closing bracket ] is missing."),
        (b"[storage]\ndatabase_url = 'mydb'\n", "", "storage.database_url is not the address of a database: write "
         "postgresql+asyncpg://user:password@host/name, or leave it empty for SQLite"),
        (b"[storage]\ndatabase_url = 'sqlite:///x'\n", "", "storage.database_url is not the address of a database"),
        (b"[storage]\ndatabase_url = 'mysql+pymysql://h/x'\n", "",
         "the driver for storage.database_url is not installed"),
        (b"[server]\ntrusted_proxies = ['proxy.example']\n", "", "server.trusted_proxies.0: Give addresses"),
        (b"", "SERVER__PORT=web", 'SIGNAGE_ORIGIN__SERVER__PORT: "web" is not allowed here. '
         "Give a whole number from 0 to 65535."),
        (b"", "SERVER__PRT=1", "SIGNAGE_ORIGIN__SERVER__PRT: There is no field of this name. Did you mean port?"),
        (b"", "SEVER__PORT=1", "SIGNAGE_ORIGIN__SEVER__PORT: There is no section sever in the settings. "
         "Did you mean SIGNAGE_ORIGIN__SERVER?"),
        (b"", "SERVER__ALLOWED_HOSTS=a.example", "SIGNAGE_ORIGIN__SERVER__ALLOWED_HOSTS is not JSON. "
         'Write a list as ["one", "two"] and a group of fields as {"name": 1}.'),
    ],
)  # fmt: skip
def test_wrong_settings_are_explained(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: bytes,
    variable: str,
    sentence: str,
) -> None:
    (tmp_path / "origin.toml").write_bytes(text)
    name, _, value = variable.partition("=")
    if name:
        monkeypatch.setenv(f"SIGNAGE_ORIGIN__{name}", value)
    errors = refusal(capsys, tmp_path, "--config", str(tmp_path / "origin.toml"))
    assert "signage-origin: " in errors
    assert sentence in errors
    assert "Traceback" not in errors


def test_a_secret_is_not_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "origin.toml").write_bytes(b"[publish]\nenrolment_key = 424242\nenrolment_chanel = 'main'\n")
    said = refusal(capsys, tmp_path, "--config", str(tmp_path / "origin.toml"))
    assert "publish.enrolment_key: The value is not allowed here. Give text." in said
    assert "424242" not in said


def test_a_file_that_cannot_be_read_and_a_port_in_use_say_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.toml"
    said = refusal(capsys, tmp_path, "--config", str(missing))
    assert said == f"signage-origin: {missing} cannot be read: there is no such file or folder.\n"
    done = serve(tmp_path, "--host", "203.0.113.9")
    assert done.returncode == FAILED
    assert "this machine does not have this address" in done.stderr


def test_a_wrong_argument_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=str(WRONG_USAGE)):
        main(["serve", "--data-dir", str(tmp_path / "origin"), "--port", "web"])
    assert 'argument --port: "web" is not allowed here. Give a whole number.' in capsys.readouterr().err
