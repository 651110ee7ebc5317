"""What libVLC's log tells of the decoder, by lines as it writes them."""

import pytest

from player.deck.vlc.decoder_log import DecoderLog, is_relevant

SOUND = ["codec (aac) started", 'using audio decoder module "avcodec"']
H264 = ["codec (h264) started", 'using video decoder module "avcodec"']
FOUND = ['using hw decoder module "vaapi"', "Using Intel iHD driver for hardware decoding"]


@pytest.mark.parametrize(
    ("lines", "codec", "hardware"),
    [
        ([], None, None),
        (SOUND, None, None),
        ([*SOUND, *H264], "h264", False),
        ([*H264, *SOUND], "h264", False),
        ([*H264, *FOUND], "h264", True),
        ([*H264, *FOUND[1:]], "h264", True),
        ([*H264, "no hw decoder modules matched", *FOUND], "h264", True),  # the second one it tried
        ([*H264, *FOUND, "no hw decoder modules matched"], "h264", False),  # it fell back
        (['using video decoder module "dav1d"'], "dav1d", False),
        (['using video decoder module "drm_avcodec"'], "drm_avcodec", True),  # Raspberry Pi OS
        (['using video decoder module "vendors_own"'], "vendors_own", None),
        ([*H264, 'using vout display module "xcb_x11"', "no opengl modules matched"], "h264", False),
    ],
)
def test_the_decoder_is_read_from_the_log(lines: list[str], codec: str | None, hardware: bool | None) -> None:
    log = DecoderLog()
    for line in lines:
        log.parse_line(line)
    assert (log.codec, log.hardware) == (codec, hardware)


def test_where_sound_goes_is_read_from_the_log_and_kept() -> None:
    log = DecoderLog()
    log.parse_line('using audio output module "pulse"')
    log.reset()
    assert log.audio_module == "pulse"


def test_another_opening_begins_with_nothing_known_and_most_lines_are_not_read() -> None:
    log = DecoderLog()
    for line in (*H264, *FOUND):
        log.parse_line(line)
    log.reset()
    assert (log.codec, log.hardware) == (None, None)
    assert is_relevant(b'using %s module "%s"') and not is_relevant(b"Buffering %d%%")
