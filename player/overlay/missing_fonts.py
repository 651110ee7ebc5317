"""Pure: names the letters that no font has, and Debian's font package that has them."""

import unicodedata

_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH")
_FIRST_EMOJI = 0x1F000
_LETTER_CATEGORIES = ("L", "M")  # Unicode's
_MAX_NAMED = 12  # letters of an alphabet


def describe_missing_letters(letters: str) -> str:
    """Say which letters cannot be shown, by alphabet, and what to do: "Thai (ขน): install fonts-noto-core"."""
    by_alphabet: dict[tuple[str, str], str] = {}
    for letter in letters:
        alphabet = _alphabet_and_remedy(letter)
        by_alphabet[alphabet] = by_alphabet.get(alphabet, "") + letter
    return ", ".join(_describe(*alphabet, found) for alphabet, found in by_alphabet.items())


def _describe(alphabet: str, remedy: str, letters: str) -> str:
    named = letters[:_MAX_NAMED] + ("…" if len(letters) > _MAX_NAMED else "")
    if not letters.isprintable():
        named = " ".join(f"U+{ord(letter):04X}" for letter in letters[:_MAX_NAMED])
    return f"{alphabet} ({named}): {remedy}"


def _alphabet_and_remedy(letter: str) -> tuple[str, str]:
    name = unicodedata.name(letter, "")
    if not name:
        return "unknown characters", "no font has them, remove them"
    if name.startswith(_EAST_ASIAN):
        return "Chinese, Japanese or Korean", "install fonts-noto-cjk"
    if ord(letter) >= _FIRST_EMOJI:
        return "emoji", "install fonts-noto-color-emoji"
    if not unicodedata.category(letter).startswith(_LETTER_CATEGORIES):
        return "symbols", "install fonts-noto-core"
    return name.split()[0].capitalize(), "install fonts-noto-core"
