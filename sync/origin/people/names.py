"""Names and passwords of people: how they are written, and when two are the same.

Names may be of any script. They are shown as they were given (NFC, single spaces) and compared by NFKC and without
case, so that full-width letters, ligatures and the two ways to write an accent make no second person. Letters of
different scripts that look alike stay different.

Passwords follow the profile OpaqueString of PRECIS (RFC 8265, 4.2): NFC, every space is the plain one, case counts.
"""

import hashlib
import unicodedata

from sync.errors import Rejected

LONGEST_NAME = 100
LONGEST_PASSWORD = 256
"""Characters; a longer text is refused before anything is computed from it."""
SHORTEST_PASSWORD = 12
_FEWEST_LETTERS = 5  # different ones

_JOINERS = frozenset("\u200c\u200d")  # inside words of some scripts
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SPACES = frozenset({"Zs", "Zl", "Zp"})


def account_name(text: str) -> str:
    """Return a name as it is stored and shown.

    Raises:
        Rejected: it is empty, too long, or has characters that cannot be seen; `fields` names `name`.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name or len(name) > LONGEST_NAME:
        raise _wrong("name", f"a name has 1 to {LONGEST_NAME} characters")
    if any(unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS for letter in name):
        raise _wrong("name", "a name has no characters that cannot be seen")
    return name


def name_key(text: str) -> str:
    """Return what is the same for all spellings of a name: a hash, so that it is as short for every script."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(letter for letter in folded if letter not in _JOINERS)
    return hashlib.sha256(" ".join(bare.split()).encode(errors="surrogatepass")).hexdigest()


def prepared_password(text: str) -> str | None:
    """Return a password as it is hashed; None: no account can have this one."""
    spaced = "".join(" " if unicodedata.category(letter) in _SPACES else letter for letter in text)
    prepared = unicodedata.normalize("NFC", spaced)
    if not 0 < len(prepared) <= LONGEST_PASSWORD:
        return None
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Cn") for letter in prepared):
        return None
    return prepared


def new_password(text: str, name: str) -> str:
    """Return a password that somebody of this name chose, as it is hashed.

    Raises:
        Rejected: it is too easy to guess, or cannot be typed; `fields` names `password`.
    """
    password = prepared_password(text[: LONGEST_PASSWORD + 1])
    if password is None or len(password) < SHORTEST_PASSWORD:
        raise _wrong("password", f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters of any script")
    if len(set(password.casefold())) < _FEWEST_LETTERS:
        raise _wrong("password", "it repeats the same few characters: choose several words")
    if name_key(password) == name_key(name):
        raise _wrong("password", "it is the name of the account: choose several words")
    return password


def _wrong(field: str, why: str) -> Rejected:
    return Rejected(why, fields={field: why})
