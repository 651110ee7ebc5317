"""A sound file becomes a video of its cover or a card, exactly as long as the sound."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from sync.origin.store.media.media_rows import MediaState
from sync.origin.transcode.title_card_tool import SIZE, draw_card
from sync.wire.release import MediaKind
from tests.long_tables import in_bench
from tests.origin.media_origin import MediaOrigin
from tests.origin.samples import Samples
from tests.origin.transcode.film.test_films import damaged
from tests.origin.transcode.test_pictures import frames, near
from tests.origin.transcode.test_video import streams

TONE = ("-f", "lavfi", "-i", "sine=frequency=440:duration=1.37")


@pytest.mark.parametrize(("name", "codec"), [("tone.mp3", "libmp3lame"), *in_bench(("tone.ogg", "libvorbis"))])
async def test_a_sound_file_becomes_a_video_of_exactly_its_length(
    media_origin: MediaOrigin, samples: Samples, name: str, codec: str
) -> None:
    source = samples.folder / name
    samples.ffmpeg(*TONE, "-c:a", codec, str(source))
    row = await media_origin.process_file(source)
    assert row.asset, row.problem
    assert row.asset.kind is MediaKind.VIDEO and row.asset.has_audio
    assert row.asset.duration_ms and abs(row.asset.duration_ms - 1370) <= 1
    assert (row.asset.width, row.asset.height) == SIZE
    made = streams(media_origin.asset_file(row))
    assert {s["codec_name"] for s in made["streams"]} == {"h264", "aac"}
    assert all(abs(float(s["duration"]) - 1.37) < 0.002 for s in made["streams"])
    assert media_origin.files.thumbnail_path(row.id).stat().st_size


@pytest.mark.parametrize("name", ["tone.ac3", *in_bench("tone.aiff", "tone.dts", "tone.caf", "tone.wv", "tone.mlp")])
async def test_sounds_are_known_by_their_content(media_origin: MediaOrigin, samples: Samples, name: str) -> None:
    samples.ffmpeg(*TONE, "-ac", "2", "-ar", "48000", "-strict", "-2", str(samples.folder / name))
    unnamed = (samples.folder / name).rename(samples.folder / f"sound of {name[5:]}")
    row = await media_origin.process_file(unnamed)
    assert row.asset and row.asset.duration_ms and abs(row.asset.duration_ms - 1370) < 40, row.problem


async def test_joined_sounds_of_other_rates_play_as_each_was_recorded(
    media_origin: MediaOrigin, samples: Samples, tmp_path: Path
) -> None:
    joined, decoded = tmp_path / "joined.aac", tmp_path / "decoded.raw"
    for rate, channels, pitch in ((44_100, 1, 440), (22_050, 2, 880)):
        part, tone = tmp_path / f"{rate}.aac", ("-f", "lavfi", "-i", f"sine={pitch}:d=2")
        samples.ffmpeg(*tone, "-ar", str(rate), "-ac", str(channels), "-c:a", "aac", str(part))
        with joined.open("ab") as file:
            file.write(part.read_bytes())
    row = await media_origin.process_file(joined)
    assert row.asset and row.asset.duration_ms and abs(row.asset.duration_ms - 4000) < 100, row.problem
    samples.ffmpeg("-i", str(media_origin.asset_file(row)), "-ac", "1", "-ar", "8000", "-f", "u8", str(decoded))
    high = [sample > 128 for sample in decoded.read_bytes()]
    crossings = [sum(a != b for a, b in pairwise(high[8000 * at : 8000 * at + 4000])) for at in (1, 3)]
    assert crossings == [pytest.approx(440, abs=9), pytest.approx(880, abs=9)]  # two a wave, in half a second


async def test_the_tags_between_joined_mp3s_are_no_damage_and_random_bytes_are(
    media_origin: MediaOrigin, samples: Samples, tmp_path: Path
) -> None:
    part, joined = tmp_path / "part.mp3", tmp_path / "joined.mp3"
    samples.ffmpeg(*TONE, "-metadata", "title=A", "-write_id3v1", "1", str(part))
    joined.write_bytes(part.read_bytes() * 2)
    row = await media_origin.process_file(joined)
    assert row.asset and row.asset.duration_ms and abs(row.asset.duration_ms - 2740) < 90 and row.problem is None
    hurt = await media_origin.process_file(damaged(joined, tmp_path / "hurt.mp3", 0.06, 0.2))
    assert hurt.problem and re.search(r"damaged: (at|from) 0:00\.\d", hurt.problem)


async def test_an_embedded_cover_is_shown(media_origin: MediaOrigin, samples: Samples) -> None:
    source = samples.folder / "song.mp3"
    cover = samples.picture("cover.jpg", samples.halves(301, 300), "JPEG", quality=95)
    samples.ffmpeg(*TONE, "-i", str(cover), "-map", "0", "-map", "1", "-disposition:v", "attached_pic", str(source))
    row = await media_origin.process_file(source)
    assert row.asset and (row.asset.width, row.asset.height) in ((300, 300), (302, 300)), row.problem
    shown = frames(media_origin.asset_file(row))
    assert len(shown) == 7 and near(shown[0], shown[-1])


async def test_a_broken_sound_is_refused(media_origin: MediaOrigin, samples: Samples, tmp_path: Path) -> None:
    samples.ffmpeg(*TONE, str(samples.folder / "whole.wav"))
    truncated = tmp_path / "truncated.wav"
    truncated.write_bytes((samples.folder / "whole.wav").read_bytes()[:2000])
    row = await media_origin.process_file(truncated)
    assert row.state is MediaState.FAILED and "too short" in (row.problem or "")


async def test_damage_in_a_sound_is_told_or_refused(media_origin: MediaOrigin, samples: Samples) -> None:
    whole = samples.folder / "whole.m4a"
    samples.ffmpeg("-f", "lavfi", "-i", "sine=d=6", "-c:a", "aac", "-movflags", "+faststart", str(whole))
    hurt = await media_origin.process_file(damaged(whole, samples.folder / "hurt.m4a", 0.03, 0.5))
    assert hurt.asset and hurt.asset.duration_ms and abs(hurt.asset.duration_ms - 6000) < 60
    assert hurt.problem and re.search(r"damaged: (at|from) 0:0[23]\.\d", hurt.problem)
    wreck = await media_origin.process_file(damaged(whole, samples.folder / "wreck.m4a", 0.4, 0.4))
    assert wreck.problem and re.search(r"damaged: from 0:02\.\d to 0:0[45]\.\d", wreck.problem)


def test_titles_of_any_length_and_alphabet_fit_on_the_card() -> None:
    for title in ("", "Музыка " * 40, "x"):
        card = draw_card(title, "somebody")
        assert card.size == SIZE and card.getpixel((2, 440)) == card.getpixel((SIZE[0] - 3, 440))
    assert draw_card("One", "") != draw_card("Two", "")
