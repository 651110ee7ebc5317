"""Media that do harm: nothing of it is visible, the media are blamed for it, and the next item is shown.

The harm is real: files that are truncated, deleted or mislabelled, and a decoder that crashes, hangs or uses up the
memory. That one is the real deck with a built-in fault (`tests.player.faulty_decks`).
"""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from player.platform.child_process import rss_bytes
from player.protocol.stage_interface import Shot
from player.stage import deck_process
from player.stage.stage import Stage
from sync.errors import MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind
from tests.player.conftest import Media, make_media, on_air_pid, put_on_air, running_stage, wait_for_both_decks
from tests.player.faulty_decks import DECK
from tests.player.pixels import BLACK, BLUE, GREEN, YELLOW, is_close, recording_screen, wait_until

SOON_S = 8.0  # a second, on a busy machine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage_of_module(display_name: str) -> AsyncIterator[Stage]:
    """Run a stage whose decoders have faults, for all tests that share it."""
    async with running_stage(display_name, program=DECK) as stage:
        yield stage


@pytest.fixture
def stage(shared_stage: Stage, shared_yellow_root: None) -> Stage:
    return shared_stage


def renamed_shot(media: Media, name: str, folder: Path, original: str = "green") -> Shot:
    """Return a shot of a copy of a film under another name."""
    shutil.copy(media.folder / original, folder / name)
    return media.shot(original, take=name).model_copy(update={"path": str(folder / name)})


FAULTS = {"crashes": "SIGSEGV", "swells": "SIGABRT", "hangs": "no sign of life"}


async def test_a_decoder_that_fails_while_it_loads_a_file_is_replaced_unseen_and_the_file_is_blamed(
    yellow_root: None, media: Media, display_name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It has a stage of its own, so that what its decks write is seen."""
    async with running_stage(display_name, program=DECK) as stage:
        await put_on_air(stage, media.shot("long"))
        with recording_screen(display_name) as recording:
            for name, reason in FAULTS.items():
                with pytest.raises(MediaUnplayable, match=reason):
                    await stage.preroll(renamed_shot(media, name, tmp_path))
                await wait_for_both_decks(stage)
            await stage.preroll(media.shot("green"))
            await stage.cut_now("green")
        assert not recording.unexpected(BLUE, GREEN)
        assert stage.facts().restarts == len(FAULTS)
        (line,) = (line for line in capfd.readouterr().err.splitlines() if "no more memory" in line)
        assert int(line.split()[-2]) < 3 * 1024, "the limit of a deck's address space held"


async def test_after_a_crash_on_air_the_next_item_is_shown_and_the_file_is_blamed(
    stage: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    await put_on_air(stage, renamed_shot(media, "crashes-on-air", tmp_path, "long"))
    with recording_screen(display_name) as recording:
        await stage.preroll(media.shot("green_picture"))
        cut = await stage.cut_at_end("green_picture")
    assert cut.previous and cut.previous.failed and not cut.previous.deck_lost
    assert "SIGSEGV" in cut.previous.reason
    assert not recording.unexpected(BLUE, GREEN, YELLOW)
    fallback_s = sum(
        until_s - since_s for colours, since_s, until_s in recording.runs() if is_close(colours[1], YELLOW)
    )
    assert fallback_s < SOON_S


async def test_a_deck_that_hangs_on_air_keeps_its_picture_until_the_next_item_and_the_file_is_blamed_at_its_next_turn(
    stage: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    film = renamed_shot(media, "hangs-on-air", tmp_path, "long")
    await put_on_air(stage, film)
    restarts = stage.facts().restarts
    await stage.preroll(media.shot("green_picture"))
    with recording_screen(display_name) as recording:
        cut = await stage.cut_at_end("green_picture")
        assert cut.previous and cut.previous.failed and cut.previous.deck_lost, "the machine may be the cause"
        assert cut.at_s - cut.previous.started_s < 0.8 + 1.0 + SOON_S  # to the hang, and to detect it
        await wait_until(lambda: stage.facts().restarts == restarts + 1)
    assert not recording.unexpected(BLUE, GREEN)
    with pytest.raises(MediaUnplayable, match="its deck had to be ended: no sign of life"):
        await stage.preroll(film)


async def test_a_decoder_that_hangs_with_nothing_on_air_leaves_the_fallback_until_the_next_item(
    stage: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    await wait_for_both_decks(stage)
    with recording_screen(display_name) as recording:
        with pytest.raises(MediaUnplayable, match="no sign of life"):
            await stage.preroll(renamed_shot(media, "hangs", tmp_path))
        await put_on_air(stage, media.shot("green_picture"))
        await wait_until(lambda: is_close(recording.samples[-1][1][1], GREEN))
    assert not recording.unexpected(YELLOW, GREEN)


async def test_a_deck_that_uses_too_much_memory_is_ended_before_the_kernel_ends_another_process(
    stage: Stage, media: Media, display_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_on_air(stage, media.shot("long"))
    await stage.preroll(media.shot("green"))
    swollen = on_air_pid(stage)
    monkeypatch.setattr(deck_process, "rss_bytes", lambda pid: rss_bytes(pid) + (2**50 if pid == swollen else 0))
    with recording_screen(display_name) as recording:
        cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.failed and not cut.previous.deck_lost
    assert "MiB of memory" in cut.previous.reason
    assert not recording.unexpected(BLUE, GREEN, YELLOW)


async def test_media_that_cannot_be_shown_are_refused_with_a_reason_and_the_film_on_air_goes_on(
    stage: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    reasons = {"zero": "peek", "junk": ".+", "headless": ".+", "missing": "the file is missing", "junk_picture": ".+"}
    refused = {name: media.shot(name) for name in reasons}
    refused["called a picture"] = media.shot("red").model_copy(update={"kind": MediaKind.PICTURE})
    await put_on_air(stage, media.shot("long"))
    restarts = stage.facts().restarts
    with recording_screen(display_name) as recording:
        for name, shot in refused.items():
            with pytest.raises(MediaUnplayable, match=reasons.get(name, ".+")):
                await stage.preroll(shot)
        await stage.preroll(renamed_shot(media, "film.png", tmp_path))  # the name of a file does not matter
        await stage.cut_now("film.png")
    assert not recording.unexpected(BLUE, GREEN)
    assert stage.facts().restarts == restarts


async def test_a_file_deleted_while_it_plays_plays_on(
    stage: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    shot = renamed_shot(media, "harmed", tmp_path, "long").model_copy(update={"duration_ms": 1400})
    await put_on_air(stage, shot)
    await stage.preroll(media.shot("green"))
    with recording_screen(display_name) as recording:
        Path(shot.path).unlink()
        cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.reason == "duration"
    assert not recording.unexpected(BLUE, GREEN)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Make 12 s of noise, 60 MB: libVLC reads a third of it ahead."""
    second, made = tmp_path / "second.avi", tmp_path / "large"
    noise = ["-f", "lavfi", "-i", "color=blue:s=640x360:r=25:d=1,noise=alls=60:allf=t"]
    make_media(second, *noise, "-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p")
    make_media(made, "-stream_loop", "11", "-i", str(second), "-c", "copy", "-f", "avi")
    return made


async def test_a_file_truncated_while_it_plays_is_followed_by_the_next_item(
    stage: Stage, media: Media, display_name: str, large: Path
) -> None:
    await put_on_air(stage, media.shot("large").model_copy(update={"path": str(large)}))
    await stage.preroll(media.shot("green"))
    with recording_screen(display_name) as recording:
        os.truncate(large, 1000)
        truncated_s = SystemClock().monotonic()
        cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.failed and "of 12.0 s" in cut.previous.reason
    assert cut.at_s - truncated_s < 5.0 + SOON_S
    assert not any(is_close(colours[1], BLACK, 5) for colours, _, _ in recording.runs())
