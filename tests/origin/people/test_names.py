"""When two names are the same, what a password may be, and that what can be typed in two ways counts as one."""

import pytest

from sync.errors import Rejected
from sync.origin.people.names import account_name, name_key, new_password, prepared_password


@pytest.mark.parametrize(
    "one, other",
    [
        ("Anna", "ANNA"),
        ("Zoë", "Zoe\u0308"),  # the accent as a letter of its own
        ("Ａｎｎａ", "Anna"),  # noqa: RUF001 - full width
        ("Strasse", "Straße"),
        ("Bo  Ek", " Bo Ek "),
        ("ﬁona", "Fiona"),
        ("Ivan", "Iv\u200dan"),
    ],
)
def test_spellings_of_one_name_are_the_same(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_names_of_any_script_are_kept_and_look_alikes_of_another_script_are_others() -> None:
    for name in ("王小明", "Ольга", "محمد", "अनु\u200dजा", "O'Brien-Łoś"):
        assert account_name(f"  {name} ") == name
    assert name_key("Anna") != name_key("Аnna")  # noqa: RUF001 - Cyrillic
    assert len(name_key("ﷺ" * 100)) == 64  # however long it becomes


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "a\u202eb", "a\u0000b", "a\ud800b", "\u200b"])
def test_a_name_that_cannot_be_seen_is_refused(name: str) -> None:
    with pytest.raises(Rejected) as refused:
        account_name(name)
    assert "name" in refused.value.fields


def test_a_password_is_the_same_however_a_keyboard_composes_it_and_case_counts() -> None:
    assert prepared_password("Grüße im Schnee") == prepared_password("Gru\u0308ße im\u00a0Schnee")
    assert prepared_password("Secret") != prepared_password("secret")
    assert prepared_password("ﬁ") != prepared_password("fi")  # NFC, as RFC 8265 has it
    for nothing in ("", "a\nb", "x" * 257, "\ud800"):
        assert prepared_password(nothing) is None


@pytest.mark.parametrize(
    "password", ["", "short", "a" * 40, "abababababababab", "x" * 5_000_000, "anna the third", "tab\tinside word"]
)
def test_a_password_that_is_easy_to_guess_or_cannot_be_typed_is_refused_without_repeating_it(password: str) -> None:
    with pytest.raises(Rejected) as refused:
        new_password(password, "Anna  the THIRD")
    assert "password" in refused.value.fields
    assert not password or password not in str(refused.value)
