"""What the stage promises of media that do harm: nobody sees it, they are blamed for it, and the next item comes.

The harm is real: files cut, deleted and mislabelled; and a decoder that crashes, hangs or eats the memory, which is
the real deck with a fault built in (`tests.player.faulty_decks`).
"""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from player.platform.child_process import rss_bytes
from player.protocol.screen import Shot
from player.stage import deck_process
from player.stage.stage import Stage
from sync.errors import MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind
from tests.player.conftest import Media, on_air_pid, put_on_air, running_stage, wait_for_both_decks
from tests.player.faulty_decks import DECK
from tests.player.pixels import BLACK, BLUE, GREEN, YELLOW, is_close, recording_screen, wait_until

SOON_S = 2.0  # a second, and what a busy machine takes for it


@pytest.fixture
async def faulty(display_name: str, yellow_root: None) -> AsyncIterator[Stage]:
    """Run a stage whose decoders have faults."""
    async with running_stage(display_name, program=DECK) as stage:
        yield stage


def named(media: Media, name: str, folder: Path, original: str = "green") -> Shot:
    """Return a shot of a copy of a film under another name."""
    shutil.copy(media.folder / original, folder / name)
    return media.shot(original, take=name).model_copy(update={"path": str(folder / name)})


FAULTS = {"crashes": "SIGSEGV", "swells": "SIGABRT", "hangs": "no sign of life"}


async def test_a_decoder_that_crashes_eats_the_memory_or_hangs_on_a_file_is_replaced_unseen_and_blames_the_file(
    faulty: Stage, media: Media, display_name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    await put_on_air(faulty, media.shot("long"))
    with recording_screen(display_name) as sight:
        for name, reason in FAULTS.items():
            with pytest.raises(MediaUnplayable, match=reason):
                await faulty.preroll(named(media, name, tmp_path))
            await wait_for_both_decks(faulty)
        await faulty.preroll(media.shot("green"))
        await faulty.cut_now("green")
    assert not sight.unexpected(BLUE, GREEN)
    assert faulty.facts().restarts == len(FAULTS)
    (line,) = (line for line in capfd.readouterr().err.splitlines() if "no more memory" in line)
    assert int(line.split()[-2]) < 3 * 1024, "the limit of a deck's address space held"


async def test_a_decoder_that_crashes_on_air_is_followed_by_the_next_item_and_blames_the_file(
    faulty: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    await put_on_air(faulty, named(media, "crashes-on-air", tmp_path, "long"))
    with recording_screen(display_name) as sight:
        await faulty.preroll(media.shot("green_picture"))
        cut = await faulty.cut_at_end("green_picture")
    assert cut.previous and cut.previous.failed and not cut.previous.deck_lost
    assert "SIGSEGV" in cut.previous.reason
    assert not sight.unexpected(BLUE, GREEN, YELLOW)
    fallback_s = sum(until_s - since_s for colours, since_s, until_s in sight.runs() if is_close(colours[1], YELLOW))
    assert fallback_s < SOON_S


async def test_a_deck_that_hangs_on_air_keeps_its_picture_until_the_next_item_and_blames_the_file_at_its_next_turn(
    faulty: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    film = named(media, "hangs-on-air", tmp_path, "long")
    await put_on_air(faulty, film)
    await faulty.preroll(media.shot("green_picture"))
    with recording_screen(display_name) as sight:
        cut = await faulty.cut_at_end("green_picture")
        assert cut.previous and cut.previous.failed and cut.previous.deck_lost, "so far it may be the machine's fault"
        assert cut.at_s - cut.previous.started_s < 0.8 + 1.0 + SOON_S  # to the hang, and to notice it
        await wait_until(lambda: faulty.facts().restarts == 1)
    assert not sight.unexpected(BLUE, GREEN)
    with pytest.raises(MediaUnplayable, match="its deck had to be ended: no sign of life"):
        await faulty.preroll(film)


async def test_with_nothing_on_air_a_decoder_that_hangs_leaves_the_fallback_until_the_next_item(
    faulty: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    await wait_for_both_decks(faulty)
    with recording_screen(display_name) as sight:
        with pytest.raises(MediaUnplayable, match="no sign of life"):
            await faulty.preroll(named(media, "hangs", tmp_path))
        await put_on_air(faulty, media.shot("green_picture"))
        await wait_until(lambda: is_close(sight.samples[-1][1][1], GREEN))
    assert not sight.unexpected(YELLOW, GREEN)


async def test_a_deck_that_uses_too_much_memory_is_ended_before_the_kernel_ends_another_process(
    stage: Stage, media: Media, yellow_root: None, display_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_on_air(stage, media.shot("long"))
    await stage.preroll(media.shot("green"))
    swollen = on_air_pid(stage)
    monkeypatch.setattr(deck_process, "rss_bytes", lambda pid: rss_bytes(pid) + (2**50 if pid == swollen else 0))
    with recording_screen(display_name) as sight:
        cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.failed and not cut.previous.deck_lost
    assert "MiB of memory" in cut.previous.reason
    assert not sight.unexpected(BLUE, GREEN, YELLOW)


async def test_media_that_cannot_be_shown_are_refused_in_words_and_the_screen_goes_on(
    stage: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    words = {"zero": "peek", "junk": ".+", "headless": ".+", "missing": "the file is missing", "junk_picture": ".+"}
    refused = {name: media.shot(name) for name in words}
    refused["called a picture"] = media.shot("red").model_copy(update={"kind": MediaKind.PICTURE})
    await put_on_air(stage, media.shot("long"))
    with recording_screen(display_name) as sight:
        for name, shot in refused.items():
            with pytest.raises(MediaUnplayable, match=words.get(name, ".+")):
                await stage.preroll(shot)
        await stage.preroll(named(media, "film.png", tmp_path))  # what a file is called says nothing
        await stage.cut_now("film.png")
    assert not sight.unexpected(BLUE, GREEN)
    assert stage.facts().restarts == 0


async def test_a_file_deleted_while_it_plays_plays_on(
    stage: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    shot = named(media, "harmed", tmp_path, "long").model_copy(update={"duration_ms": 1400})
    await put_on_air(stage, shot)
    await stage.preroll(media.shot("green"))
    with recording_screen(display_name) as sight:
        Path(shot.path).unlink()
        cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.reason == "duration"
    assert not sight.unexpected(BLUE, GREEN)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Make 12 s of noise, 60 MB: libVLC reads a third of it ahead."""
    made = tmp_path / "large"
    source = "color=blue:s=640x360:r=25:d=12,noise=alls=60:allf=t"
    encode = ["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p", "-f", "avi", str(made)]
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *encode], check=True, timeout=60)
    return made


async def test_a_file_truncated_while_it_plays_is_followed_by_the_next_item(
    stage: Stage, media: Media, display_name: str, large: Path
) -> None:
    await put_on_air(stage, media.shot("large").model_copy(update={"path": str(large)}))
    await stage.preroll(media.shot("green"))
    with recording_screen(display_name) as sight:
        os.truncate(large, 1000)
        truncated_s = SystemClock().monotonic()
        cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.failed and "of 12.0 s" in cut.previous.reason
    assert cut.at_s - truncated_s < 5.0 + SOON_S
    assert not any(is_close(colours[1], BLACK, 5) for colours, _, _ in sight.runs())
