"""What is copied and what is encoded, as a table of facts; which tracks are the film."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from sync.origin.transcode.film.damage import Damage
from sync.origin.transcode.film.facts import ColourTags, Subtitles, VideoFile, audio_facts, video_facts
from sync.origin.transcode.film.geometry import Crop, orientation_of
from sync.origin.transcode.film.recipe import choose_recipe, encoding_recipe, why_encode
from sync.origin.transcode.film.tracks import is_encrypted
from tests.origin.transcode.test_video import EVEN, PLAIN

LATER = replace(EVEN, end_s=12.0)


def times(**changes: Any) -> dict[str, Any]:
    return {"times": replace(EVEN, **changes)}


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"codec": "hevc", "profile": "Main", "level": 153},
        {"codec": "vp9", "profile": "Profile 0"},
        {"damage": Damage()},
        {"subtitles": Subtitles(2, text=False)},
        {"sound_times": LATER, **times(end_s=11.9)},
        {"sound_times": replace(EVEN, end_s=3.0)},
        times(rate=Fraction(5), frame_s=0.2),
        times(rate=Fraction(60)),
        times(rate=Fraction(60000, 1001)),
        times(start_s=95_000.0, end_s=95_010.0) | {"sound_times": replace(EVEN, start_s=95_000.0, end_s=95_010.0)},
        {"orientation": orientation_of({})},
        {"pixel_aspect": Fraction(64, 45)},
        times(key_distance_s=10.4),
    ],
)
def test_what_every_player_shows_is_copied(facts: dict[str, Any]) -> None:
    assert not list(why_encode(replace(PLAIN, **facts), 3840))
    assert choose_recipe(replace(PLAIN, **facts), 3840).copies_video


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"codec": "av1"}, "av1"),
        ({"pixel_format": "yuv444p"}, "yuv444p"),
        ({"pixel_format": "yuv420p10le"}, "yuv420p10le"),
        ({"pixel_format": "yuvj420p"}, "yuvj420p"),
        ({"codec": "hevc", "pixel_format": "yuvj420p"}, "yuvj420p"),
        ({"codec": "hevc", "pixel_format": "yuv420p10le", "profile": "Main 10"}, "yuv420p10le"),
        ({"codec": "hevc", "colour": ColourTags(range="pc")}, "colours"),
        ({"colour": ColourTags(transfer="smpte2084")}, "colours"),
        ({"field_order": "tt"}, "interlaced"),
        ({"subtitles": Subtitles(2, text=True)}, "subtitles"),
        ({"profile": "High 10"}, "High 10"),
        ({"profile": "High", "level": 62}, "level 62"),
        ({"codec": "hevc", "profile": "Rext"}, "Rext"),
        ({"width": 7680, "height": 4320}, "7680 x 4320"),
        ({"width": 1921}, "1921"),
        ({"crop": Crop(1900, 1000, 10, 40)}, "part"),
        ({"pixel_aspect": Fraction(100)}, "shape of its pixels"),
        ({"codec": "vp8", "profile": "", "side_data": ({"side_data_type": "Spherical Mapping"},)}, "360"),
        (times(rate=Fraction(120)), "120"),
        (times(rate=Fraction(1)), "too seldom"),
        (times(rate=Fraction(1, 8)), "0.1"),
        (times(even=False), "unevenly"),
        (times(trimmed=True), "trimmed"),
        (times(jumps=True), "jump"),
        (times(starts_with_key=False), "key"),
        (times(key_distance_s=300.0), "300 s apart"),
        (times(start_s=0.4), "late"),
        (times(end_s=9.0), "sound lasts longer"),
        ({"damage": Damage(((1.0, 1.5),))}, "damaged"),
        ({"damage": Damage(complaints=True)}, "damaged"),
    ],
)
def test_what_some_players_do_not_show_is_encoded(facts: dict[str, Any], words: str) -> None:
    video = replace(PLAIN, **facts)
    assert any(words in reason for reason in why_encode(video, 3840)), list(why_encode(video, 3840))
    assert not choose_recipe(video, 3840).copies_video


def test_encoding_makes_square_pixels_even_sizes_and_upright_pictures() -> None:
    recipe = encoding_recipe(replace(PLAIN, width=720, height=576, pixel_aspect=Fraction(16, 11)), 3840)
    assert (recipe.width, recipe.height) == (1048, 576)
    recipe = encoding_recipe(replace(PLAIN, width=720, height=576, pixel_aspect=Fraction(1, 1000)), 3840)
    assert (recipe.width, recipe.height) == (720, 576)
    recipe = encoding_recipe(replace(PLAIN, width=1921, height=1081, orientation=matrix(0, -1, 1, 0)), 1000)
    assert (recipe.width, recipe.height) == (562, 1000)
    recipe = encoding_recipe(replace(PLAIN, width=720, height=486, crop=Crop(704, 480, 8, 3)), 1000)
    assert (recipe.width, recipe.height) == (704, 480)


@pytest.mark.parametrize(
    "facts",
    [
        {"audio_codec": "pcm_s16le"},
        {"sound_times": replace(EVEN, longest_gap_s=0.5)},
        {"sound_times": replace(EVEN, start_s=0.5)},
        {"sound_times": replace(EVEN, jumps=True)},
        {"sound_damage": Damage(((1.0, 1.5),), complaints=True)},
    ],
)
def test_sound_with_gaps_or_in_a_codec_of_its_own_is_encoded_beside_copied_pictures(facts: dict[str, Any]) -> None:
    assert "aac" not in choose_recipe(PLAIN, 3840).arguments
    recipe = choose_recipe(replace(PLAIN, **facts), 3840)
    assert "aac" in recipe.arguments and recipe.copies_video


def matrix(a: int, b: int, c: int, d: int) -> Any:
    rows = ((a, b, 0), (c, d, 0), (0, 0, 16384))
    printed = "\n".join(f"{n:08d}: " + "".join(f"{65536 * value:12d}" for value in row) for n, row in enumerate(rows))
    return orientation_of({"side_data_list": [{"side_data_type": "Display Matrix", "displaymatrix": f"\n{printed}\n"}]})


@pytest.mark.parametrize(
    ("signs", "filters"),
    [
        ((1, 0, 0, 1), ()),
        ((-1, 0, 0, 1), ("hflip",)),
        ((1, 0, 0, -1), ("vflip",)),
        ((-1, 0, 0, -1), ("hflip", "vflip")),
        ((3, 2, -2, 3), ("null",)),
        ((0, 1, -1, 0), ("transpose=clock",)),
        ((0, -1, 1, 0), ("transpose=cclock",)),
        ((0, 1, 1, 0), ("transpose=cclock_flip",)),
        ((0, -1, -1, 0), ("transpose=clock_flip",)),
    ],
)
def test_a_display_matrix_turns_and_mirrors(signs: tuple[int, int, int, int], filters: tuple[str, ...]) -> None:
    assert matrix(*signs).filters == filters


def stream(index: int, kind: str, **values: Any) -> dict[str, Any]:
    dispositions = {name: 1 for name in values.pop("is_", ())}
    codec = {"video": "h264", "audio": "aac"}[kind]
    size = {"width": 640, "height": 360} if kind == "video" else {}
    return {"index": index, "codec_type": kind, "codec_name": codec, "disposition": dispositions, **size, **values}


@pytest.mark.parametrize(
    ("streams", "packets", "chosen"),
    [
        ([stream(0, "video"), stream(1, "audio")], {}, (0, 1)),
        ([stream(0, "video", is_=["attached_pic"]), stream(1, "video"), stream(2, "audio")], {}, (1, 2)),
        ([stream(0, "video", codec_name="mjpeg"), stream(1, "video")], {0: 1}, (1, None)),
        ([stream(0, "video", is_=["default"], codec_name="png"), stream(1, "video")], {0: 1}, (1, None)),
        ([stream(0, "video"), stream(1, "video", is_=["default"])], {}, (1, None)),
        ([stream(0, "video"), stream(1, "audio"), stream(2, "audio", is_=["default"])], {}, (0, 2)),
        ([stream(0, "video"), stream(1, "audio", is_=["visual_impaired"]), stream(2, "audio")], {}, (0, 2)),
        ([stream(0, "video"), stream(1, "audio"), stream(2, "audio")], {1: 0}, (0, 2)),
        ([stream(0, "video", is_=["still_image"]), stream(3, "video"), stream(2, "audio")], {}, (3, 2)),
        ([stream(0, "video")], {0: 1}, (0, None)),
    ],
)
def test_the_default_tracks_are_the_film_and_covers_never(
    streams: list[dict[str, Any]], packets: dict[int, int], chosen: tuple[int, int | None]
) -> None:
    counts = {each["index"]: packets.get(each["index"], 300) for each in streams}
    tracks = {index: replace(EVEN, packets=count) for index, count in counts.items() if count}
    facts = video_facts({"streams": streams}, tracks)
    assert facts and (facts.video_stream, facts.audio_stream) == chosen


def test_forced_subtitles_are_those_in_the_language_of_the_sound() -> None:
    german = {"language": "deu"}
    sound = stream(1, "audio", tags=german)
    subtitles: list[dict[str, Any]] = [
        {"index": 2, "codec_type": "subtitle", "codec_name": "subrip", "disposition": {"default": 1}},
        {"index": 3, "codec_type": "subtitle", "codec_name": "hdmv_pgs_subtitle", "disposition": {"forced": 1}},
        {"index": 4, "codec_type": "subtitle", "codec_name": "ass", "disposition": {"forced": 1}, "tags": german},
    ]
    tracks = dict.fromkeys(range(2), EVEN)
    facts = [video_facts({"streams": [stream(0, "video"), sound, *subtitles[:n]]}, tracks) for n in (1, 2, 3)]
    found = [fact and fact.subtitles for fact in facts]
    assert found == [None, Subtitles(3, text=False), Subtitles(4, text=True)]


def test_the_sound_is_of_the_programme_of_the_picture() -> None:
    streams = [stream(0, "audio"), stream(1, "video"), stream(2, "audio")]
    programmes = [{"streams": [streams[0]]}, {"streams": streams[1:]}]
    facts = video_facts({"streams": streams, "programs": programmes}, dict.fromkeys(range(3), EVEN))
    assert isinstance(facts, VideoFile) and facts.audio_stream == 2


def test_a_sound_file_with_a_cover_is_not_a_video() -> None:
    cover, song = stream(1, "video", is_=["attached_pic"]), stream(0, "audio", codec_name="mp3")
    document = {"streams": [song, cover], "format": {}}
    facts = audio_facts(document, {0: EVEN, 1: replace(EVEN, packets=1)})
    assert facts and (facts.audio_stream, facts.cover_stream) == (0, 1)
    assert video_facts(document, {0: EVEN, 1: EVEN}) is None


def test_tracks_that_need_a_key_are_known() -> None:
    assert not is_encrypted({"streams": [stream(0, "video", codec_tag_string="avc1")]})
    assert is_encrypted({"streams": [stream(0, "video", codec_tag_string="encv")]})
    boxes = [{"side_data_type": "Encryption initialization data"}]
    assert is_encrypted({"streams": [stream(0, "audio", side_data_list=boxes)]})
