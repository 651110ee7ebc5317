"""Names as people see them, two spellings of one name, and the order in which people count."""

import os
import random
import unicodedata

import pytest

from sync.origin.ingest.upload_intake import display_name
from sync.origin.planning.file_names import LONGEST_NAME, natural_key, order_text, same_name, shown_name

NOT_TEXT = os.fsdecode(b"odd\xff.png")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("menu.jpg", "menu.jpg"),
        ("-rf", "-rf"),
        ("--help.png", "--help.png"),
        ("two\nlines\t.png", "two lines .png"),
        ("\x1b[31mred\x7f.png", "[31mred.png"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("\u2066a\u2069.png", "a.png"),
        ("👨\u200d👩\u200d👧 ❤\ufe0f.png", "👨\u200d👩\u200d👧 ❤\ufe0f.png"),
        ("ل\u200cم.png", "ل\u200cم.png"),
        ("שלום.png", "שלום.png"),
        ("cafe\u0301.png", "caf\xe9.png"),
        ("a\u3000b\xa0c.png", "a b c.png"),
        (NOT_TEXT, "odd\ufffd.png"),
        ("\ud800.png", "\ufffd.png"),
        ("x" * 300, "x" * LONGEST_NAME),
        ("日" * 85, "日" * 85),
        ("x" * 199 + " y", "x" * 199),
        ("\n \u200b", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_a_name_is_shown_in_one_line_of_text(name: str, shown: str) -> None:
    assert shown_name(name) == display_name(name) == shown


def test_composed_and_decomposed_are_one_name() -> None:
    assert same_name("e\u0301t\u00e9") == same_name("\u00e9te\u0301") == "\u00e9t\u00e9"
    assert same_name("한글") == same_name(unicodedata.normalize("NFD", "한글"))
    assert same_name(NOT_TEXT) == "odd\ufffd.png"


@pytest.mark.parametrize(
    "ordered",
    [
        ["slide1.png", "slide2.png", "slide10.png", "slide100.png"],
        ["slide.png", "slide1.png", "slide1a.png", "slide1b.png"],
        ["slide1.jpg", "slide1.png", "slide2.jpg"],
        ["1", "02", "3", "010", "11"],
        ["01.png", "1.png", "2.png"],
        ["Slide1", "slide2", "SLIDE10"],
        ["a 2 b 9", "a 2 b 10", "a 10 b 1"],
        ["2026-1-2", "2026-1-10", "2026-10-1"],
        ["v1.9", "v1.10", "v2.0"],
        ["شريحة١.png", "شريحة٢.png", "شريحة١٠.png"],
        ["पट२", "पट१०", "पट११"],
        ["スライド２.png", "スライド１０.png"],
        ["slide1.png", "slide٢.png", "slide\uff13.png", "slide10.png"],
        ["eclair", "\xe9clair", "e\u0301clair 2", "f"],
        ["9", "10", "a"],
        ["n" + "9" * 150, "n1" + "0" * 150],
        [".png", "a.png"],
        [NOT_TEXT, "ode.png"],
    ],
)
def test_names_come_in_the_order_in_which_people_count(ordered: list[str]) -> None:
    for seed in range(3):
        mixed = random.Random(seed).sample(ordered, len(ordered))
        assert sorted(mixed, key=natural_key) == ordered
        assert sorted(mixed, key=lambda name: order_text(name).encode()) == ordered
