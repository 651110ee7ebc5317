"""Colours on the display: BT.601 and BT.709 as films state them, and HDR as the origin tone-maps it."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from player.deck.vlc.colour_matrix import Matrix, matrix_in, set_default_matrix
from player.protocol.stage_interface import Shot
from player.stage.stage import Stage
from sync.origin.settings.model import PipelineSettings
from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.forked_tools import ForkedTools
from sync.origin.transcode.probe import probe
from sync.origin.transcode.sandbox import Limits
from sync.origin.transcode.transcode_job import TranscodeJob
from sync.origin.transcode.video import make_video
from sync.runtime.clock import SystemClock
from sync.wire.release import Fit, MediaKind
from tests.origin.transcode.film.patches import Colour, hdr_film, hlg_signal, make_film, pq_signal
from tests.player.pixels import SCREEN, PixelReader, is_close

Signal = Callable[[Colour], Colour]
SIGNALS: list[Colour] = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.8, 0.4, 0.2), (1.0, 1.0, 1.0)]
LIGHTS: list[Colour] = [*((float(light),) * 3 for light in range(203, 1004, 100)), (203.0, 0.0, 0.0)]


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


async def shown(stage: Stage, pixels: PixelReader, film: Path, patches: int) -> list[tuple[int, int, int]]:
    """Return the colours of the patches of a film on the display."""
    await stage.preroll(Shot(take=film.name, path=str(film), kind=MediaKind.VIDEO, duration_ms=900, fit=Fit.FILL))
    await stage.cut_now(film.name)
    return [
        pixels.colour_at((2 * patch + 1) * SCREEN.width // (2 * patches), SCREEN.height // 2)
        for patch in range(patches)
    ]


async def transcoded(source: Path, folder: Path) -> Path:
    """Return the asset that the origin makes of a film."""

    async def progress(percent: int) -> None:
        assert percent <= 100

    folder.mkdir()
    limits = Limits(60, 4 * 1024**3, 1024**3, reads=(source,), writes=(folder,))
    tools = ForkedTools(folder, folder, SystemClock())
    job = TranscodeJob(source, source.name, folder, limits, PipelineSettings(), progress, tools)
    facts = await probe(source, limits)
    assert isinstance(facts, VideoFile)
    return (await make_video(facts, job)).path


@pytest.mark.parametrize(("matrix", "tag"), [("709", "bt709"), ("170m", "smpte170m")])
async def test_a_film_is_shown_by_the_matrix_it_states(
    stage: Stage, pixels: PixelReader, tmp_path: Path, matrix: str, tag: str
) -> None:
    filters = f"zscale=matrixin=gbr:rangein=full:matrix={matrix}:range=limited,format=yuv420p,setparams="
    filters += f"range=tv:colorspace={tag}:color_primaries=bt709:color_trc=bt709"
    encoder = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "2", "-movflags", "+faststart")
    film = make_film(tmp_path / f"{tag}.mp4", SIGNALS, filters, *encoder)
    for colour, signal in zip(await shown(stage, pixels, film, len(SIGNALS)), SIGNALS, strict=True):
        expected = tuple(round(255 * part) for part in signal)
        assert is_close(colour, (expected[0], expected[1], expected[2]), 6), (colour, expected)


@pytest.mark.parametrize(("transfer", "signal"), [("smpte2084", pq_signal), ("arib-std-b67", hlg_signal)])
async def test_hdr_keeps_its_steps_and_its_red(
    stage: Stage, pixels: PixelReader, tmp_path: Path, transfer: str, signal: Signal
) -> None:
    film = hdr_film(tmp_path / f"{transfer}.mp4", [signal(light) for light in LIGHTS], transfer)
    seen = await shown(stage, pixels, await transcoded(film, tmp_path / "work"), len(LIGHTS))
    *ramp, red = seen
    assert all(max(grey) - min(grey) <= 3 for grey in ramp) and 220 <= min(ramp[0]) <= max(ramp[0]) <= 245, seen
    assert all(brighter[1] > darker[1] for darker, brighter in pairwise(ramp)), seen
    assert red[0] - red[1] > 200, seen


def box(matrix: int) -> bytes:
    return b"\0\0\0\x13colrnclx" + bytes((0, 1, 0, 1, 0, matrix, 0))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"stsd" + box(1), Matrix.BT709),
        (b"stsd" + box(6), Matrix.BT601),
        (b"stsd" + box(9), Matrix.BT2020),
        (b"stsd" + box(2), Matrix.BT601),
        (b"\x1a\x45\xdf\xa3 matroska", Matrix.BT601),
        (b"colrnclx", Matrix.BT601),
        (b"stsd avc1", Matrix.BT601),
        (b"", Matrix.BT601),
    ],
)
def test_the_matrix_is_what_the_film_states(head: bytes, expected: Matrix) -> None:
    assert matrix_in(head) is expected


def test_the_default_of_the_library_can_be_set_again_and_again() -> None:
    try:
        assert all(set_default_matrix(matrix) for matrix in (*Matrix, *Matrix))
    finally:
        set_default_matrix(Matrix.BT601)
