"""What the demo believes: the picture on the display and complete plays."""

from PIL import Image
from witness import shown, unlikeness

ENTRIES = ({"title": "Menu"}, {"title": "Steam"})


def test_only_complete_plays_of_these_entries_count() -> None:
    plays = [
        {"title": "Menu", "outcome": "complete"},
        {"title": "Steam", "outcome": "interrupted"},
        {"title": "Somebody else's", "outcome": "complete"},
    ]
    assert shown(plays, ENTRIES) == {"Menu"}


def test_pictures_are_compared_at_a_coarse_look() -> None:
    black, white = (Image.new("RGB", (640, 360), colour) for colour in ("black", "white"))
    half = black.copy()
    half.paste(white.crop((0, 0, 320, 360)), (0, 0))
    assert unlikeness(black, black.resize((1280, 720))) == 0
    assert unlikeness(black, white) == 255
    assert 120 < unlikeness(black, half) < 135
