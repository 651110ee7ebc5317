"""What libVLC's log tells of the decoder, by lines as it writes them."""

import pytest

from player.deck.vlc.decoder_log import DecoderLog, is_informative

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
    decoding = DecoderLog()
    for line in lines:
        decoding.read(line)
    assert (decoding.codec, decoding.hardware) == (codec, hardware)


def test_where_sound_goes_is_read_from_the_log_and_kept() -> None:
    decoding = DecoderLog()
    decoding.read('using audio output module "pulse"')
    decoding.forget()
    assert decoding.sound == "pulse"


def test_another_opening_begins_with_nothing_known_and_most_lines_are_not_read() -> None:
    decoding = DecoderLog()
    for line in (*H264, *FOUND):
        decoding.read(line)
    decoding.forget()
    assert (decoding.codec, decoding.hardware) == (None, None)
    assert is_informative(b'using %s module "%s"') and not is_informative(b"Buffering %d%%")
