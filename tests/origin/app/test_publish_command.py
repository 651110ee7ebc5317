"""The ten-second way to a screen: a folder, one command, and devices hear of it and can check what they get."""

import asyncio
import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from sync.origin.app.cli import main
from sync.runtime.clock import SystemClock
from sync.trust.signing import open_envelope, pin_root, read_timestamp
from sync.wire.release import Envelope, Release
from tests.origin.running_origin import running_origin, settings_in

PATIENCE_S = 60.0


def pictures(folder: Path) -> Path:
    folder.mkdir()
    for name, colour in (("1 morning.png", "#225588"), ("2 evening.jpg", "#882255")):
        Image.new("RGB", (320, 180), colour).save(folder / name)
    return folder


@pytest.fixture(autouse=True)
def _not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pipeline work although other tests run players on this machine: they leave nothing to the idle."""
    monkeypatch.setenv("SIGNAGE_ORIGIN__PIPELINE__PRIORITY", "normal")


async def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = await asyncio.wait_for(asyncio.to_thread(main, list(arguments)), PATIENCE_S)
    out, err = capsys.readouterr()
    return code, out, err


async def test_a_folder_published_beside_a_serving_origin_reaches_its_devices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, data = pictures(tmp_path / "shop"), tmp_path / "data"
    (folder / "offers.pdf").write_bytes(b"%PDF-1.7")
    async with running_origin(settings_in(data), SystemClock()) as server:
        services = [asyncio.create_task(run()) for run in server.origin.services.values()]
        _, token = await server.pair(channel="main")
        headers = {"Authorization": f"Bearer {token}"}
        async with server.client.ws_connect(f"{server.url}/v1/live", headers=headers) as socket:
            at = ("publish", str(folder), "--channel", "main", "--data-dir", str(data), "--json")
            code, out, err = await command(capsys, *at)
            assert code == 0, err
            published = json.loads(out)
            assert "offers.pdf is left out: it is a PDF document: save its pages as pictures" in err
            assert list(published["left_out"]) == ["offers.pdf"]
            assert (published["items"], published["sequence"], published["unchanged"]) == (2, 1, False)
            welcome, hint = [json.loads(await socket.receive_str(timeout=PATIENCE_S)) for _ in range(2)]
            assert welcome["topic"] == "welcome"
            assert hint == {"topic": "release", "channel": "main", "sequence": 1}
        root = pin_root(Envelope.model_validate((await server.ask("GET", "/content/roots/1.json")).document))
        raw = (await server.ask("GET", "/content/channels/main/timestamp.json")).text.encode()
        timestamp = read_timestamp(root, open_envelope(raw, 16_384))
        assert (timestamp.sequence, timestamp.release) == (1, published["sha256"])
        release = Release.model_validate_json(
            (await server.ask("GET", f"/content/releases/{timestamp.release}.json")).text
        )
        for asset in release.assets:
            async with server.client.get(f"{server.url}/content/assets/{asset.sha256}") as answer:
                assert hashlib.sha256(await answer.read()).hexdigest() == asset.sha256
        code, out, _ = await command(capsys, *at)
        assert (code, json.loads(out)["unchanged"]) == (0, True)
        code, out, err = await command(capsys, "campaigns", *at[2:])
        assert (code, json.loads(out)) == (0, {"campaigns": [], "shortfalls": [], "warnings": []})
        for service in services:
            service.cancel()
        await asyncio.wait(services)


async def test_a_folder_with_nothing_to_play_is_told_so_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (empty, tmp_path / "nowhere"):
        code, out, err = await command(
            capsys, "publish", str(folder), "--channel", "main", "--data-dir", str(tmp_path / "data")
        )
        assert (code, out) == (1, "")
        assert err.splitlines()[-1].startswith("signage-origin: ")
        assert "Traceback" not in err
