"""The command with wrong settings: it starts with what is right, and says what is wrong in plain words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from player.app.cli import main

NO_DISPLAY = 4
MAIN = "from player.app.cli import main; main()"


@pytest.mark.parametrize(
    ("text", "variables", "sentence"),
    [
        (b"[playback]\nvolum = 40\n", {}, "There is no field of this name. Did you mean volume?"),
        (b"[playback]\nvolume = 'loud'\n", {}, '"loud" is not allowed here. '
         "Give a whole number in percent from 0 to 100."),
        (b"'playback.volume' = 40\n", {}, "playback.volume: There is no field of this name. It belongs to playback."),
        (b"[playback\n", {}, "player.toml is not correct TOML in line 1, column 10: a closing bracket ] is missing."),
        (b"name = '\xff'\n", {}, "player.toml is not UTF-8 text in line 1. Save it as UTF-8."),
        (b"", {"PLAYBACK__VOLUME": "400"}, "The setting playback.volume from the environment is left out: "
         '"400" is too large. Give a whole number in percent from 0 to 100.'),
        (b"[audio]\nquiet_hours = [{ start = 22:00:00, end = '07:00' }]\n", {},
         "The setting audio.quiet_hours from the file is left out: audio.quiet_hours.0.start: 22:00:00 is not allowed"),
        (b"[origin]\nproxy = 'socks5://shop:s3cret@p:1'\n", {}, "The setting origin.proxy from the file is left out: "
         "SOCKS proxies cannot be used: give the address of an HTTP proxy."),
        (b"[origin]\nproxy = 'https://shop:s3cret@p:1'\n", {}, "The setting origin.proxy from the file is left out: "
         'Give the address of an HTTP proxy such as http://proxy.example:3128, or "none".'),
        (b"[origin]\nenrolment_key = 'open sesame'\n", {},
         "The setting origin.enrolment_key from the file is left out: Give the key of the origin, at least 16 letters"),
        (b"[origin]\nfingerprint = 'AB:CD'\n", {}, "The setting origin.fingerprint from the file is left out: "),
        (b"[bandwidth]\nall_kbit_s = 0\n", {}, "The setting bandwidth from the file is left out: "
         "With 0 and no window with another limit, this screen would never get new media"),
        (b"", {"PLAYBAK__VOLUME": "40"}, "There is no field of this name. Did you mean playback?"),
        (b"", {"AUDIO__QUIET_HOURS": "22-06"}, "SIGNAGE_PLAYER__AUDIO__QUIET_HOURS is not JSON. "
         'Write a list as ["one", "two"] and a group of fields as {"name": 1}.'),
    ],
)  # fmt: skip
def test_wrong_settings_are_explained_and_do_not_stop_the_player(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: bytes,
    variables: dict[str, str],
    sentence: str,
) -> None:
    (tmp_path / "player.toml").write_bytes(text)
    monkeypatch.delenv("DISPLAY", raising=False)
    for name, value in {"STORAGE__STATE_DIR": str(tmp_path / "device"), **variables}.items():
        monkeypatch.setenv(f"SIGNAGE_PLAYER__{name}", value)
    with pytest.raises(SystemExit) as ended:
        main(["run", "--config", str(tmp_path / "player.toml")])
    errors = capsys.readouterr().err
    assert ended.value.code == NO_DISPLAY
    assert sentence in errors
    assert "Traceback" not in errors and "s3cret" not in errors


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAIN, "explain", "--config", str(tmp_path / "none.toml")]
    environment = {**os.environ, "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(tmp_path / "device")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert f"{tmp_path / 'none.toml'} cannot be read: there is no such file or folder." in done.stderr
    assert "Traceback" not in done.stderr
