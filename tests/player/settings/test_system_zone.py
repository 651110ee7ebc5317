"""The time zone of the machine, as its environment says; what cannot be known is UTC."""

import subprocess
import sys
from zoneinfo import ZoneInfoNotFoundError

import pytest

from player.settings.system_zone import system_zone
from tests import TOP


@pytest.mark.parametrize(("named", "zone"), [("Asia/Tokyo", "Asia/Tokyo"), (":Europe/Berlin", "Europe/Berlin")])
def test_the_zone_of_the_environment_counts(named: str, zone: str) -> None:
    script = "from player.settings.system_zone import system_zone; print(system_zone())"
    environment = {"TZ": named, "PYTHONPATH": str(TOP)}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == zone


@pytest.mark.parametrize("answer", [None, "Mars/Olympus", "../etc/passwd"])
def test_a_machine_without_a_known_zone_is_in_utc(answer: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tzlocal.get_localzone_name", lambda: answer)
    assert system_zone() == "UTC"


def test_a_machine_with_two_zones_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    def conflict() -> str:
        raise ZoneInfoNotFoundError("Multiple conflicting time zone configurations found")

    monkeypatch.setattr("tzlocal.get_localzone_name", conflict)
    assert system_zone() == "UTC"
