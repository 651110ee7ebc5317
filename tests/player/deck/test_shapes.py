"""The shape of pixels: the edges of films measured on the display."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from glass import Glass
from shape_films import MATRICES, Film

from player.protocol.stage_interface import Shot
from player.stage.stage import Stage
from sync.runtime.clock import SystemClock
from sync.wire.release import Fit, MediaKind
from tests.origin.transcode.film.patches import write_matrix
from tests.player.conftest import make_media, put_on_air, running_stage, wait_for_both_decks
from tests.player.pixels import (
    BLACK,
    GREEN,
    RED,
    SCREEN,
    WHITE,
    Colour,
    ScreenRecording,
    is_close,
    recording_screen,
    wait_until,
)
from tests.player.stream_servers import http_server

BACKGROUND = (0x20, 0x60, 0x40)
TABLE = [
    (Film("PAL 16:9"), Fit.CONTAIN),
    (Film("PAL 4:3", "MPEG-2 program stream"), Fit.COVER),
    (Film("16:9 in a container that says 4:3"), Fit.CONTAIN),
    (Film("PAL 16:9", turned=90), Fit.CONTAIN),
    (Film("PAL 16:9", turned=90), Fit.COVER),
    (Film("PAL 16:9"), Fit.FILL),
    (Film("PAL 16:9", "VP8"), Fit.COVER),
    (Film("HDV", "MPEG-2 transport stream"), Fit.CONTAIN),
    (Film("PAL 16:9", turned=270), Fit.FILL),
    (Film("PAL 16:9", "HEVC in a transport stream"), Fit.COVER),
]
PREROLLED = (Film("PAL 16:9"), Film("PAL 16:9", "HEVC in a transport stream"))
PARTS_S = (2.4, 1.2, 1.2)  # of what changes its shape
ON_A_TURNED_SCREEN = [
    (Film("PAL 16:9"), Fit.COVER),
    (Film("PAL 16:9", turned=90), Fit.CONTAIN),
    (Film("PAL 16:9", turned=90), Fit.FILL),
]


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    for film, _ in [*TABLE, *ON_A_TURNED_SCREEN]:
        film.make(folder, seconds=1.6)
    return folder


@pytest.fixture
def glass(display_name: str) -> Iterator[Glass]:
    with closing(Glass(display_name)) as glass:
        yield glass


async def _assert_shown(
    stage: Stage, folder: Path, film: Film, fit: Fit, glass: Glass, *, url: str | None = None
) -> None:
    take = f"{url or film}, {fit.value}, turned by {stage.area.turn}"
    kind, path = (MediaKind.STREAM, "") if url else (MediaKind.VIDEO, str(folder / str(film)))
    shot = Shot(take=take, path=path, url=url, kind=kind, fit=fit, background="#206040")
    await stage.preroll(shot, at_once=film not in PREROLLED)
    await stage.cut_now(take)
    errors = film.errors(stage.area, fit, glass.bounds(RED), glass.bounds(WHITE))
    assert max(errors) <= 2, take
    covers = film.edges(stage.area, fit) == (0, 0, stage.area.width, stage.area.height)
    assert (glass.bounds(BACKGROUND, tolerance=8) == (0, 0, 0, 0)) == covers, take


async def test_the_edges_of_films_of_every_shape(stage: Stage, films: Path, glass: Glass) -> None:
    for film, fit in TABLE:
        await _assert_shown(stage, films, film, fit, glass)


async def test_their_edges_where_libvlc_turns_the_picture(films: Path, display_name: str, glass: Glass) -> None:
    async with running_stage(display_name, area=SCREEN.model_copy(update={"turn": 90})) as stage:
        await wait_for_both_decks(stage)
        for film, fit in ON_A_TURNED_SCREEN:
            await _assert_shown(stage, films, film, fit, glass)


async def test_streams_of_what_its_file_turns_are_shown_upright(stage: Stage, tmp_path: Path, glass: Glass) -> None:
    file, live = Film("PAL 16:9", turned=270), Film("PAL 16:9", turned=90)
    for film in (file, live):
        film.make(tmp_path, seconds=3)
    pieces = ["-f", "hls", "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "first.mp4"]
    make_media(tmp_path / "live.m3u8", "-i", str(tmp_path / str(live)), "-c", "copy", *pieces)
    write_matrix(tmp_path / "first.mp4", *MATRICES[90])  # ffmpeg leaves it out here
    with http_server(tmp_path) as address:
        await _assert_shown(stage, tmp_path, file, Fit.FILL, glass, url=f"{address}/{quote(str(file))}")
        await _assert_shown(stage, tmp_path, live, Fit.CONTAIN, glass, url=f"{address}/live.m3u8")


async def test_an_interlaced_stream_shows_no_combs(stage: Stage, tmp_path: Path, glass: Glass) -> None:
    fields = "overlay=x='mod(n*8,600)',interlace=scan=tff:lowpass=0,format=yuv420p"
    bar = ["-f", "lavfi", "-i", "color=s=640x360:r=50:d=4", "-f", "lavfi", "-i", "color=white:s=60x360:r=50:d=4"]
    make_media(tmp_path / "fields.ts", *bar, "-filter_complex", fields, "-c:v", "mpeg2video", "-flags", "+ilme+ildct")
    with http_server(tmp_path) as address:
        where = {"take": "fields", "kind": MediaKind.STREAM, "path": "", "url": f"{address}/fields.ts"}
        await put_on_air(stage, Shot.model_validate(where))
        for _ in range(10):
            assert glass.combed_columns() == 0
            await SystemClock().sleep(0.05)


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a red film in 16:9 with a lime part in 4:3: as HLS, and as one file in which only the pixels change."""
    folder = tmp_path_factory.mktemp("changing")
    parts = [("red", "640x360", "1/1"), ("lime", "320x240", "1/1"), ("red", "640x360", "1/1")]
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:3"]
    for number, part in enumerate(parts):
        _make_part(folder / f"{number}.ts", number, *part, "libx264")
        lines += ["#EXT-X-DISCONTINUITY", f"#EXTINF:{PARTS_S[number]},", f"{number}.ts"]
    (folder / "index.m3u8").write_text("\n".join([*lines, "#EXT-X-ENDLIST", ""]))
    for number, (colour, pixel) in enumerate([("red", "64/45"), ("lime", "16/15"), ("red", "64/45")]):
        _make_part(folder / f"part {number}", number, colour, "720x576", pixel, "mpeg2video")
    (folder / "pixels.ts").write_bytes(b"".join((folder / f"part {number}").read_bytes() for number in range(3)))
    return folder


def _make_part(target: Path, number: int, colour: str, size: str, pixel: str, codec: str) -> None:
    source = ["-f", "lavfi", "-i", f"color={colour}:s={size}:r=25:d={PARTS_S[number]}", "-vf", f"setsar={pixel}"]
    timing = ["-output_ts_offset", str(sum(PARTS_S[:number])), "-muxdelay", "0", "-bf", "0", "-f", "mpegts"]
    make_media(target, *source, "-c:v", codec, "-pix_fmt", "yuv420p", *timing)


@pytest.mark.parametrize("how", ["index.m3u8", "pixels.ts"])
async def test_a_change_of_shape_is_followed_and_nothing_of_the_old_picture_stays(
    how: str, stage: Stage, changing: Path, display_name: str
) -> None:
    with http_server(changing) as address:
        where = {"take": how, "kind": MediaKind.STREAM, "path": "", "url": f"{address}/{how}"}
        shot = Shot.model_validate({**where, "background": "#206040"})
        await put_on_air(stage, shot)
        sides = (1 / 16, 0.5, 15 / 16)  # a film in 4:3 begins at an eighth
        with recording_screen(display_name, across=sides) as recording:
            await wait_until(lambda: _seen(recording, BACKGROUND, GREEN, BACKGROUND))
            await wait_until(lambda: _seen(recording, RED, RED, RED))
    for _, colours in recording.samples:
        assert not all(any(is_close(colour, film, 40) for colour in colours) for film in (RED, GREEN)), colours


def _seen(recording: ScreenRecording, *wanted: Colour) -> bool:
    """Tell whether the newest sample has these colours."""
    newest = recording.samples[-1][1] if recording.samples else (BLACK,) * len(wanted)
    return all(is_close(*pair, 40) for pair in zip(newest, wanted, strict=True))
