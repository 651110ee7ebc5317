"""Pure: what letters no font has are called, and which of Debian's packages of fonts has them."""

import unicodedata

_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH")
_EMOJI = 0x1F000
_LETTERS = ("L", "M")  # Unicode's categories
_SHOWN = 12  # letters of an alphabet that are named


def lacking(letters: str) -> str:
    """Say which letters cannot be read, by alphabet, and what to do: "Thai (ขน): install fonts-noto-core"."""
    kinds: dict[tuple[str, str], str] = {}
    for letter in letters:
        kind = _kind(letter)
        kinds[kind] = kinds.get(kind, "") + letter
    return ", ".join(_told(*kind, found) for kind, found in kinds.items())


def _told(alphabet: str, remedy: str, letters: str) -> str:
    named = letters[:_SHOWN] + ("…" if len(letters) > _SHOWN else "")
    if not letters.isprintable():
        named = " ".join(f"U+{ord(letter):04X}" for letter in letters[:_SHOWN])
    return f"{alphabet} ({named}): {remedy}"


def _kind(letter: str) -> tuple[str, str]:
    """Return the alphabet of a letter, and what to do to have it."""
    name = unicodedata.name(letter, "")
    if not name:
        return "signs without a meaning", "no font has them, take them out"
    if name.startswith(_EAST_ASIAN):
        return "Chinese, Japanese or Korean", "install fonts-noto-cjk"
    if ord(letter) >= _EMOJI:
        return "emoji", "install fonts-noto-color-emoji"
    if not unicodedata.category(letter).startswith(_LETTERS):
        return "symbols", "install fonts-noto-core"
    return name.split()[0].capitalize(), "install fonts-noto-core"
