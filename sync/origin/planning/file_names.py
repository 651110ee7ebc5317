"""Names of files: how people see them, when two are the same, and in which order they come.

A file system stores bytes; a name that is not UTF-8 comes from Python with lone surrogates (PEP 383). What is stored
and shown is always text of at most `LONGEST_NAME` characters, in the composed form of Unicode (NFC).
"""

import re
import unicodedata

LONGEST_NAME = 200
"""Characters of a name that are stored and shown (`sync.wire.value_types.Name`); a file system may hold longer ones."""

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_JOINERS = frozenset("\u200c\u200d")  # inside words of some alphabets, and between the parts of an emoji
_TAGS = range(0xE0020, 0xE0080)  # of the flags of England, Scotland and Wales
_SPACES = frozenset({"Zs", "Zl", "Zp"})
_END = "\x01"
_LONGEST_ORDER = 400  # characters: an entry of an index of PostgreSQL has 2,704 bytes
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})

_Key = tuple[tuple[str, int, str], ...]


def shown_name(name: str) -> str:
    """Return a file's name as people see it: in one line, without what cannot be seen, cut to `LONGEST_NAME`.

    Bytes that are not UTF-8 become the replacement character. Line breaks and tabs become spaces. Control characters
    and marks that turn the direction of text (which would disguise an ending) go. A name of nothing else is `unnamed`.
    """
    text = unicodedata.normalize("NFC", _as_text(name))
    seen = "".join(_shown_letter(letter) for letter in text).strip()
    return seen[:LONGEST_NAME].strip() or "unnamed"


def same_name(name: str) -> str:
    """Return the form in which two spellings of one name are equal: composed (NFC), with bytes made text."""
    return unicodedata.normalize("NFC", _as_text(name))


def same_word(word: str) -> str:
    """Return the form in which two spellings of one word are equal: composed (NFC), without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", word).casefold())


def natural_key(name: str) -> tuple[_Key, _Key, str]:
    """Return the key that sorts names as people count: slide2 before slide10, in the digits of any script.

    The ending counts after the rest, so that `slide.png` comes before `slide1.png`. Case, accents and leading zeros
    count only between names that are equal otherwise.
    """
    text = same_name(name)
    stem, dot, ending = text.rpartition(".")
    if not stem:
        stem, ending = text, ""
    return _parts(stem), _parts(dot + ending), text


def order_text(name: str) -> str:
    """Return a text that sorts by its bytes as `natural_key` does, for a column of a database.

    What begins with the same `_LONGEST_ORDER` characters is in no order: an index holds no more.
    """
    stem, ending, text = natural_key(name)
    return (_coded(stem) + _coded(ending) + text)[:_LONGEST_ORDER]


def searched_text(name: str) -> str:
    """Return the form of a name in which it is searched: without case and accents."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    return plain.casefold()


def is_text(name: str) -> bool:
    """Tell whether the bytes of a name are UTF-8."""
    return _LONE_SURROGATES.search(name) is None


def _as_text(name: str) -> str:
    return _LONE_SURROGATES.sub("\ufffd", name)


def _shown_letter(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind in _SPACES or letter in "\t\n\v\f\r\x85":
        return " "
    if letter in _JOINERS or ord(letter) in _TAGS:
        return letter
    return "" if kind in _UNSEEN else letter


def _parts(text: str) -> _Key:
    """Return text and numbers in turn; a number sorts by its length without zeros, then by its digits."""
    parts = re.split(r"(\d+)", searched_text(text))
    return tuple(_number(part) if place % 2 else (part, 0, "") for place, part in enumerate(parts))


def _number(digits: str) -> tuple[str, int, str]:
    plain = "".join(str(unicodedata.decimal(digit)) for digit in digits).lstrip("0")
    return "", len(plain), plain


def _coded(parts: _Key) -> str:
    """Return a text that sorts as the parts do: each text has an end below all letters, each number its length."""
    pieces = (
        f"{length:03d}{digits}" if place % 2 else text + _END for place, (text, length, digits) in enumerate(parts)
    )
    return "".join(pieces) + _END
