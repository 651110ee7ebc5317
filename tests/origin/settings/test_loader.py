"""The origin's settings: the commented file is complete, and each layer beats the one below."""

import tomllib
from pathlib import Path

import pytest

from sync.errors import Rejected
from sync.origin.settings.loader import load_settings
from sync.origin.settings.model import OriginConfiguration
from tests import TOP

EXAMPLE = TOP / "config" / "origin.toml"


def test_the_commented_file_is_complete_and_says_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)  # those of a service
    assert load_settings(EXAMPLE) == OriginConfiguration()
    written = tomllib.loads(EXAMPLE.read_text().replace("#: ", ""))
    for section, fields in OriginConfiguration().model_dump().items():
        assert set(written[section]) == set(fields), f"[{section}] of config/origin.toml"
    assert set(written) == set(OriginConfiguration.model_fields)


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "origin.toml"
    file.write_text('[server]\nport = 1\nhost = "localhost"\n[uploads]\nlargest_bytes = 10\n')
    monkeypatch.setenv("SIGNAGE_ORIGIN__SERVER__PORT", "2")
    monkeypatch.setenv("SIGNAGE_ORIGIN__SERVER__ALLOWED_HOSTS", '["signage.example"]')
    monkeypatch.setenv("SIGNAGE_ORIGIN__UPLOADS__LARGEST_BYTES", "20")
    settings = load_settings(file, {"server": {"port": 3}})
    assert (settings.server.port, settings.server.host, settings.uploads.largest_bytes) == (3, "localhost", 20)
    assert settings.server.allowed_hosts == ("signage.example",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNAGE_ORIGIN__SERVER__PROT", "1"),
        ("SIGNAGE_ORIGIN__SEVER__PORT", "1"),
        ("SIGNAGE_ORIGIN__SERVER__PORT", "many"),
        ("SIGNAGE_ORIGIN__SERVER__ALLOWED_HOSTS", "["),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Rejected, match=name):
        load_settings(None)


def test_secrets_are_not_shown_when_settings_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAGE_ORIGIN__PUBLISH__ENROLMENT_KEY", "open sesame")
    settings = load_settings(None)
    assert "sesame" not in repr(settings) and "sesame" not in settings.model_dump_json()
    assert settings.publish.enrolment_key is not None
    assert settings.publish.enrolment_key.get_secret_value() == "open sesame"
