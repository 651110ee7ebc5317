"""What lines of libVLC's log say about the decoder."""

import pytest

from player.deck.vlc.decoder_log import DecoderLog, is_relevant

SOUND = ["codec (aac) started", 'using audio decoder module "avcodec"']
H264 = ["codec (h264) started", 'using video decoder module "avcodec"']
HARDWARE = ['using hw decoder module "vaapi"', "Using Intel iHD driver for hardware decoding"]


@pytest.mark.parametrize(
    ("lines", "codec", "hardware"),
    [
        ([], None, None),
        (SOUND, None, None),
        ([*SOUND, *H264], "h264", False),
        ([*H264, *SOUND], "h264", False),
        ([*H264, *HARDWARE], "h264", True),
        ([*H264, *HARDWARE[1:]], "h264", True),
        ([*H264, "no hw decoder modules matched", *HARDWARE], "h264", True),  # of the second decoder it tried
        ([*H264, *HARDWARE, "no hw decoder modules matched"], "h264", False),  # it fell back
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


def test_the_audio_module_is_read_from_the_log_and_stays_for_the_next_media() -> None:
    log = DecoderLog()
    log.parse_line('using audio output module "pulse"')
    log.reset()
    assert log.audio_module == "pulse"


def test_a_new_media_begins_with_an_unknown_decoder_and_most_lines_are_not_parsed() -> None:
    log = DecoderLog()
    for line in (*H264, *HARDWARE):
        log.parse_line(line)
    log.reset()
    assert (log.codec, log.hardware) == (None, None)
    assert is_relevant(b'using %s module "%s"') and not is_relevant(b"Buffering %d%%")
