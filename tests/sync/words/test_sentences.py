"""Sentences and their codes: one is made from code and values alone."""

import pytest

from sync.words.media import MEDIA_PROBLEMS
from sync.words.on_air import ON_AIR
from sync.words.plays import PLAY_REASONS
from sync.words.problems import PROBLEMS
from sync.words.release_changes import RELEASE_CHANGES
from sync.words.sentences import LONGEST, Sentences
from sync.words.warnings import WARNINGS

TABLES = {
    "problems": PROBLEMS,
    "warnings": WARNINGS,
    "media": MEDIA_PROBLEMS,
    "plays": PLAY_REASONS,
    "on_air": ON_AIR,
    "changes": RELEASE_CHANGES,
}


@pytest.mark.parametrize("name", TABLES)
def test_each_sentence_is_read_back_and_said_again_from_code_and_values_alone(name: str) -> None:
    table = TABLES[name]
    for code, template in table:
        values = {value: f"<{value}>" for value in _names(template)}
        text = table.say(code, **values)
        told = table.told(text)
        assert (told.code, told.values) == (code, values), text
        assert table.say(told.code, **told.values) == text


def _names(template: str) -> list[str]:
    return [part.partition("}")[0] for part in template.split("{")[1:]]


def test_what_no_table_says_has_no_code() -> None:
    assert PROBLEMS.told("what somebody made up").code == ""
    assert PROBLEMS.told("there is no ").code == ""
    assert PROBLEMS.told("there is no media " + "x" * LONGEST).code == ""


def test_of_several_that_could_have_said_it_the_one_with_most_words_of_its_own_did() -> None:
    told = PROBLEMS.told("there is no channel shop: PUT /v1/schedule/shop adds it")
    assert (told.code, told.values) == ("no_such_channel", {"id": "shop"})
    assert PROBLEMS.told("there is no channel shop: PUT /v1/schedule/other adds it").code == "no_such"


def test_values_may_hold_whatever_a_stranger_sends() -> None:
    table = Sentences({"both": "{one} and {other} meet", "no_such": "there is no {kind} {id}"})
    for one in ("", "a and b", "{other}", "meet", "\u202e", "x" * 900):
        assert table.say("both", **table.told(f"{one} and z meet").values) == f"{one} and z meet"


def test_a_text_of_several_sentences_has_the_code_of_each() -> None:
    first, second = (MEDIA_PROBLEMS.say(code, where="from 0:01.0 to 0:02.0") for code in ("video_gaps", "stopped"))
    assert [told.code for told in MEDIA_PROBLEMS.all_told(f"{first} {second}")] == ["video_gaps", "stopped"]
    assert [told.code for told in MEDIA_PROBLEMS.all_told(second)] == ["stopped"]
    assert [told.code for told in MEDIA_PROBLEMS.all_told("Something else. And more.")] == [""]
