import stat
import tomllib
from pathlib import Path

import pytest

from player.settings.configuration import LIVE, Configuration, load_configuration
from player.settings.layers import Source, fields_by_path, merge
from player.settings.model import Settings
from sync.errors import Conflict, Rejected, StaleVersion, StorageBroken
from tests import TOP
from tests.sync.device.disk.damage import Damage, empty, folder, garbage, link, pipe, truncated
from tests.sync.faulty_disk import FaultyDisk


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "player.toml"
    path.write_text('[playback]\nvolume = 40\n[origin]\nname = "window"\n')
    return path


def test_the_commented_example_is_complete_and_contains_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)  # those of a service
    text = (TOP / "config" / "player.toml").read_text()
    set_lines = "\n".join(line.removeprefix("#: ") for line in text.splitlines())
    example = fields_by_path(tomllib.loads(set_lines))
    defaults = fields_by_path(Settings().model_dump(mode="json"))
    assert set(example) == set(defaults)
    assert Settings.model_validate(tomllib.loads(text)) == Settings()
    assert {path: value for path, value in example.items() if defaults[path] is not None} == {
        path: value for path, value in defaults.items() if value is not None
    }


def test_every_live_field_exists() -> None:
    assert set(fields_by_path(Settings().model_dump())) >= LIVE


async def test_environment_overrides_accepted_values_override_file_overrides_defaults(
    state: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__VENUE__ZONE", "Europe/Berlin")
    await load_configuration(file).patch({"origin": {"name": "door"}}, expected=None)
    configuration = load_configuration(file)
    view = configuration.view()
    assert configuration.settings.venue.zone == "Europe/Berlin"
    assert configuration.settings.origin.name == "door"
    assert configuration.settings.playback.volume == 40
    assert [view.sources[p] for p in ("venue.zone", "origin.name", "playback.volume", "playback.picture_ms")] == [
        Source.ENVIRONMENT,
        Source.ACCEPTED,
        Source.FILE,
        Source.DEFAULT,
    ]


async def test_a_change_survives_a_restart_and_null_returns_the_field_to_the_file(state: Path, file: Path) -> None:
    await load_configuration(file).patch({"playback": {"volume": 7}}, expected=None)
    again = load_configuration(file)
    assert again.settings.playback.volume == 7
    await again.patch({"playback": {"volume": None}}, expected=None)
    assert again.settings.playback.volume == 40
    assert load_configuration(file).settings.playback.volume == 40
    assert stat.S_IMODE((state / "config.json").stat().st_mode) == 0o600


async def test_a_wrong_field_is_named_and_nothing_of_the_change_applies(state: Path, file: Path) -> None:
    configuration = load_configuration(file)
    with pytest.raises(Rejected) as caught:
        await configuration.patch({"playback": {"volume": 700}, "origin": {"name": "x"}}, expected=None)
    assert set(caught.value.fields) == {"playback.volume"}
    assert configuration.settings.origin.name == "window"
    assert not (state / "config.json").exists()


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"playback": {"volum": 1}}, "playback.volum"),
        ({"nonsense": {"a": 1}}, "nonsense"),
        ({"origin": 3}, "origin"),
        ({"origin": {"enrolment_key": "**********"}}, "origin.enrolment_key"),
        ({"venue": {"zone": "Mars/Olympus"}}, "venue.zone"),
        ({"endpoint": {"port": {"a": 1}}}, "endpoint.port"),
    ],
)
async def test_a_field_that_is_unknown_or_wrong_is_refused_by_name(
    state: Path, file: Path, patch: dict[str, object], field: str
) -> None:
    with pytest.raises(Rejected) as caught:
        await load_configuration(file).patch(patch, expected=None)
    assert field in caught.value.fields


async def test_a_field_that_the_environment_sets_is_a_conflict_that_names_the_variable(state: Path, file: Path) -> None:
    with pytest.raises(Conflict) as caught:
        await load_configuration(file).patch({"storage": {"state_dir": "/elsewhere"}}, expected=None)
    assert caught.value.users == ("SIGNAGE_PLAYER__STORAGE__STATE_DIR",)


async def test_a_change_of_an_old_version_is_refused(state: Path, file: Path) -> None:
    configuration = load_configuration(file)
    version = configuration.version
    await configuration.patch({"playback": {"volume": 1}}, expected=version)
    with pytest.raises(StaleVersion):
        await configuration.patch({"playback": {"volume": 2}}, expected=version)
    assert configuration.settings.playback.volume == 1


async def test_a_change_that_cannot_be_stored_does_not_apply(file: Path, tmp_path: Path, state: Path) -> None:
    configuration = load_configuration(file)
    state.rmdir()
    with pytest.raises(StorageBroken):
        await configuration.patch({"playback": {"volume": 1}}, expected=None)
    assert configuration.settings.playback.volume == 40


async def test_a_change_names_the_fields_that_need_a_restart(state: Path, file: Path) -> None:
    configuration = load_configuration(file)
    view = await configuration.patch({"endpoint": {"port": 9}, "playback": {"volume": 9}}, expected=None)
    assert view.restart_needed == ("endpoint.port",)
    assert "endpoint.port" in " ".join(view.problems)
    back = await configuration.patch({"endpoint": {"port": None}}, expected=None)
    assert back.restart_needed == ()


async def test_secrets_are_masked(state: Path, file: Path) -> None:
    view = await load_configuration(file).patch({"origin": {"enrolment_key": "open sesame, please"}}, expected=None)
    assert "sesame" not in view.model_dump_json()
    key = load_configuration(file).settings.origin.enrolment_key
    assert key is not None and key.get_secret_value() == "open sesame, please"


def test_an_edit_of_the_file_applies_and_a_wrong_one_is_refused_with_a_reason(state: Path, file: Path) -> None:
    configuration = load_configuration(file)
    file.write_text("[playback]\nvolume = 41\n")
    configuration.reload()
    assert configuration.settings.playback.volume == 41
    for wrong in ("[playback]\nvolume = 410\n", "[playback\n", "[playbak]\nvolume = 4\n", "\0"):
        file.write_text(wrong)
        configuration.reload()
        assert configuration.settings.playback.volume == 41
        assert "refused" in configuration.problems()[0]
    file.write_text('[playback]\nvolume = 42\n[origin]\nname = "window"\n')
    configuration.reload()
    assert configuration.problems() == ()
    assert configuration.settings.playback.volume == 42


async def test_waiting_for_a_change_ends_with_the_change(state: Path, file: Path) -> None:
    configuration = load_configuration(file)
    before = configuration.settings
    await configuration.patch({"playback": {"volume": 3}}, expected=None)
    assert (await configuration.wait_for_change(before)).playback.volume == 3


def test_a_start_with_a_wrong_file_uses_the_last_valid_one(state: Path, file: Path) -> None:
    load_configuration(file).save_last_valid()
    for wrong in ("[playback\n", "[playback]\nvolume = 900\n"):
        file.write_text(wrong)
        configuration = load_configuration(file)
        assert configuration.settings.playback.volume == 40
        assert str(file) in configuration.problems()[0] or "playback.volume" in configuration.problems()[0]


def test_without_a_last_valid_file_only_the_wrong_fields_are_left_out(state: Path, file: Path) -> None:
    file.write_text('[playback]\nvolume = 900\npicture_ms = 5000\nodd = 1\n[origin]\nname = "door"\n')
    configuration = load_configuration(file)
    assert configuration.settings.playback.picture_ms == 5000
    assert configuration.settings.origin.name == "door"
    assert configuration.settings.playback.volume == 100
    assert len([p for p in configuration.problems() if "left out" in p]) == 2


@pytest.mark.parametrize("garbage", ["{", "[]", '{"playback": {"volume": "loud"}}', '{"a": 1}'])
def test_damaged_stored_settings_never_prevent_a_start(state: Path, file: Path, garbage: str) -> None:
    (state / "config.json").write_text(garbage)
    configuration = load_configuration(file)
    assert configuration.settings.playback.volume == 40
    assert configuration.problems()


def test_a_wrong_environment_never_prevents_a_start(state: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__PLAYBACK__VOLUME", "loud")
    configuration = load_configuration(file)
    assert configuration.settings.playback.volume == 40
    assert "environment" in configuration.problems()[0]
    monkeypatch.setenv("SIGNAGE_PLAYER__ORIGN__URL", "http://typo")
    assert any("orign" in sentence for sentence in load_configuration(file).problems())


async def test_fields_left_out_at_start_do_not_prevent_later_changes(
    state: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__PLAYBACK__PICTURE_MS", "soon")
    monkeypatch.setenv("SIGNAGE_PLAYER__ORIGN__URL", "http://typo")
    file.write_text("[playback]\nvolume = 900\n")
    configuration = load_configuration(file)
    view = await configuration.patch({"playback": {"volume": 3}}, expected=None)
    assert view.settings["playback"]["volume"] == 3
    assert load_configuration(file).settings.playback.volume == 3


def test_the_environment_separates_names_with_commas(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__ALLOWED_HOSTS", "a.example, b.example")
    assert load_configuration(None).settings.endpoint.allowed_hosts == ("a.example", "b.example")


def test_a_missing_file_is_a_problem_and_the_defaults_apply(state: Path, tmp_path: Path) -> None:
    configuration = load_configuration(tmp_path / "none.toml")
    assert "none.toml" in configuration.problems()[0]
    assert configuration.settings.playback.volume == 100


def test_the_check_refuses_settings_that_cannot_work_on_this_device(state: Path, file: Path) -> None:
    configuration: Configuration = load_configuration(file)

    def refuse(settings: Settings) -> None:
        raise Rejected("not here", fields={"playback.volume": "no"})

    configuration.set_check(refuse)
    file.write_text("[playback]\nvolume = 41\n")
    configuration.reload()
    assert configuration.settings.playback.volume == 40
    assert "not here" in configuration.problems()[0]


def test_a_merge_patch_follows_rfc_7396() -> None:
    target = {"a": {"b": "c", "d": 1}, "e": "f"}
    assert merge(target, {"a": {"b": None, "x": {"y": None}}, "e": [1]}) == {"a": {"d": 1, "x": {}}, "e": [1]}


def test_a_variable_that_is_not_json_drops_no_other_one(
    state: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__AUDIO__QUIET_HOURS", "22-06")
    monkeypatch.setenv("SIGNAGE_PLAYER__ORIGIN__URL", "http://origin.example")
    monkeypatch.setenv("SIGNAGE_PLAYER__VENUE__ZONE", "22-06")  # the same text, where it is only a wrong zone
    monkeypatch.setenv("SIGNAGE_PLAYER__AUDIO__MUTED", "true")
    configuration = load_configuration(file)
    assert str(configuration.settings.origin.url).rstrip("/") == "http://origin.example"
    assert configuration.settings.audio.muted and configuration.settings.playback.volume == 40
    told = " ".join(configuration.problems())
    assert "SIGNAGE_PLAYER__AUDIO__QUIET_HOURS is not JSON" in told and "ZONE is not JSON" not in told


def test_a_date_in_the_file_that_the_environment_overrides_can_be_stored(
    state: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__ORIGIN__NAME", "door")
    configuration = load_configuration(file)
    file.write_text("[origin]\nname = 2026-01-01\n[venue]\nzone = 07:30:00\n[playback]\nvolume = 12\n")
    monkeypatch.setenv("SIGNAGE_PLAYER__VENUE__ZONE", "UTC")
    configuration = load_configuration(file)
    file.write_text("[origin]\nname = 2026-01-01T10:00:00Z\n[playback]\nvolume = 13\n")
    configuration.reload()
    assert configuration.settings.playback.volume == 13
    assert '"volume": 13' in (state / "last-good.json").read_text()


DAMAGES = [empty, truncated, garbage, folder, link, pipe]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda it: it.__name__)
async def test_accepted_settings_that_are_damaged_come_back_from_their_copy(
    state: Path, file: Path, damage: Damage
) -> None:
    await load_configuration(file).patch({"playback": {"volume": 7}}, expected=None)
    damage(state / "config.json")
    configuration = load_configuration(file)
    assert (configuration.settings.playback.volume, configuration.problems()) == (7, ())
    configuration.repair_accepted()
    assert '"volume": 7' in (state / "config.json").read_text()


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda it: it.__name__)
async def test_accepted_settings_that_are_lost_are_told_and_kept_aside(state: Path, file: Path, damage: Damage) -> None:
    await load_configuration(file).patch({"playback": {"volume": 7}}, expected=None)
    for path in (state / "config.json", state / "copies" / "config.json"):
        damage(path)
    configuration = load_configuration(file)
    assert configuration.settings.playback.volume == 40
    assert "config.json" in configuration.problems()[0] and "left out" in configuration.problems()[0]
    await configuration.patch({"audio": {"muted": True}}, expected=None)
    assert load_configuration(file).settings.audio.muted
    assert (state / "config.json.aside").exists() or damage is link


async def test_accepted_settings_that_the_disk_does_not_give_at_the_start_apply_once_it_does(
    state: Path, file: Path, faulty_disk: FaultyDisk
) -> None:
    await load_configuration(file).patch({"playback": {"volume": 7}}, expected=None)
    faulty_disk.fail(state / "config.json", state / "copies" / "config.json")
    configuration = load_configuration(file)
    await configuration.check_accepted()
    assert configuration.settings.playback.volume == 40
    assert "the disk reports an error" in configuration.problems()[0]
    faulty_disk.faults.clear()
    await configuration.check_accepted()
    assert (configuration.settings.playback.volume, configuration.problems()) == (7, ())
    (state / "config.json").write_text("{")
    await configuration.check_accepted()
    assert '"volume": 7' in (state / "config.json").read_text(), "repaired while it runs"


async def test_accepted_settings_that_somebody_deletes_are_gone(state: Path, file: Path) -> None:
    await load_configuration(file).patch({"playback": {"volume": 7}}, expected=None)
    (state / "config.json").unlink()
    configuration = load_configuration(file)
    assert (configuration.settings.playback.volume, configuration.problems()) == (40, ())
    configuration.repair_accepted()
    assert not (state / "copies" / "config.json").exists()
