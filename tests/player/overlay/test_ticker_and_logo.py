"""Which overlays are due, where they lie, how they move and what they look like."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from player.overlay.layout import REFRESH_HZ, Box, lay_out, ticker_motion
from player.overlay.missing_fonts import describe_missing_letters
from player.overlay.pango import text_line
from player.overlay.ticker_and_logo import Strip, draw_ticker, read_logo
from player.programme.due_overlays import due_overlays
from sync.errors import MediaUnplayable
from sync.wire.overlay import Corner, Edge, Logo, Ticker

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _logo(corner: Corner) -> Logo:
    return Logo(id=corner.value, asset="a" * 64, corner=corner, width_percent=10, margin_percent=5)


def test_an_overlay_is_due_from_its_start_until_before_its_end() -> None:
    always, lunch = Ticker(id="a", text="a"), Ticker(id="b", text="b", starts_at=NOON, ends_at=NOON + HOUR)
    both = (always, lunch)
    assert due_overlays(both, NOON - HOUR).overlays == (always,) and due_overlays(both, NOON - HOUR).until == NOON
    assert due_overlays(both, NOON).overlays == both and due_overlays(both, NOON).until == NOON + HOUR
    assert due_overlays(both, NOON + HOUR).overlays == (always,) and due_overlays(both, NOON + HOUR).until is None


def test_tickers_lie_from_the_edge_inwards_and_logos_in_the_space_between() -> None:
    tickers = [Ticker(id=str(n), text="x", edge=edge) for n, edge in enumerate((Edge.TOP, Edge.BOTTOM, Edge.BOTTOM))]
    boxes = lay_out(1000, 500, [*tickers, *map(_logo, Corner)], {"a" * 64: (50, 20)})
    assert [boxes[str(n)] for n in range(3)] == [Box(0, 0, 1000, 40), Box(0, 460, 1000, 40), Box(0, 420, 1000, 40)]
    assert boxes["top-left"] == Box(25, 65, 100, 40) and boxes["top-right"] == Box(875, 65, 100, 40)
    assert boxes["bottom-left"] == Box(25, 355, 100, 40) and boxes["bottom-right"] == Box(875, 355, 100, 40)
    assert lay_out(1000, 500, [_logo(Corner.TOP_LEFT)], {}) == {}


@settings(deadline=None)
@given(st.integers(1, 100), st.integers(100, 4320), st.integers(10, 90_000))
def test_a_ticker_moves_by_whole_pixels_at_even_intervals_near_its_speed(speed: int, height: int, period: int) -> None:
    motion = ticker_motion(speed, height, period)
    expected = speed * height / 100
    assert 2 / 3 <= motion.pixels / motion.every * REFRESH_HZ / expected <= 1.5
    refresh = motion.next_refresh(7)
    assert refresh > 7 and refresh % motion.every == 0
    assert motion.offset(refresh) == (motion.offset(refresh - 1) + motion.pixels) % period


def test_a_text_that_fits_stands_still_and_a_longer_one_becomes_an_endless_strip() -> None:
    still = draw_ticker(Ticker(id="t", text="open", background="#00ff00"), 640, 40).drawn
    assert isinstance(still, Image.Image) and still.size == (640, 40) and still.getpixel((0, 0)) == (0, 255, 0)
    moving = draw_ticker(Ticker(id="t", text="open " * 99 + "x"), 640, 40).drawn
    assert isinstance(moving, Strip) and sum(piece.width for piece in moving.pieces) == moving.period > 4096


def test_a_text_read_from_right_to_left_begins_at_the_right_and_moves_to_the_right() -> None:
    strip = draw_ticker(Ticker(id="t", text="לחם טרי " * 40), 640, 40).drawn
    assert isinstance(strip, Strip) and strip.right_to_left
    motion = ticker_motion(50, 720, strip.period, rightwards=True)
    assert motion.first_x(0, 640) + strip.period == 640
    assert motion.first_x(1, 640) == motion.first_x(0, 640) + motion.pixels
    assert all(
        -strip.period <= motion.first_x(refresh, 640) <= 0 for refresh in range(3 * strip.period // motion.pixels)
    )


def test_letters_are_joined_and_every_text_is_one_line() -> None:
    with text_line("شمس", 40) as joined, text_line("ش\u200cم\u200cس", 40) as apart:
        assert joined.right_to_left and joined.width < 0.9 * apart.width
    for text in ("a\u2028b\u2029c\u0085d", "\u200b", "\u202e" + "é́́́" * 9, "\U0010ffff", "👩‍🍳"):
        drawn = draw_ticker(Ticker(id="t", text=text), 640, 40).drawn
        assert isinstance(drawn, Image.Image) and drawn.size == (640, 40)
    broken, unbroken = (draw_ticker(Ticker(id="t", text=text), 640, 40).drawn for text in ("a\u2028b", "a b"))
    assert broken == unbroken
    with pytest.raises(MediaUnplayable, match="shorten the text"):
        draw_ticker(Ticker(id="t", text="W" * 500), 3840, 540)


def test_high_letters_stay_inside_their_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "player.overlay.ticker_and_logo._LETTER_HEIGHT", 1.5
    )  # some alphabets have letters as high as this
    drawn = draw_ticker(Ticker(id="t", text="x", background="#000000"), 640, 40).drawn
    assert isinstance(drawn, Image.Image)
    box = drawn.getbbox()
    assert box is not None and box[3] - box[1] < 25  # at the full letter height it would be 33


def test_letters_without_a_font_are_named_by_alphabet_with_the_package_that_has_them() -> None:
    assert describe_missing_letters("") == ""
    assert describe_missing_letters("ขนข") == "Thai (ขนข): install fonts-noto-core"
    description = describe_missing_letters("面パ빵🥐\U0010ffff")
    assert "Chinese, Japanese or Korean (面パ빵): install fonts-noto-cjk" in description
    assert "emoji (🥐): install fonts-noto-color-emoji" in description and "(U+10FFFF): no font has them" in description


def test_an_opaque_logo_is_read_unchanged_and_a_damaged_or_huge_one_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), "red").save(tmp_path / "plain", "PNG")
    assert read_logo(tmp_path / "plain").getpixel((0, 0)) == (255, 0, 0, 255)
    (tmp_path / "broken").write_bytes(b"\x89PNG\r\n\x1a\n")
    Image.new("1", (5000, 5000)).save(tmp_path / "huge", "PNG")
    with pytest.raises(MediaUnplayable, match="5000 x 5000 pixels: use a smaller one"):
        read_logo(tmp_path / "huge")
    with pytest.raises(MediaUnplayable, match="cannot be read \\(broken\\): upload it again"):
        read_logo(tmp_path / "broken")
