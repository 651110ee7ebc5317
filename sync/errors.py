"""The errors that both sides raise, in one tree, ordered by what to do about them.

The code that calls a library converts its errors into these, `from error`:

    SignageError
    ├── OriginUnreachable   the network: wait and try again
    ├── OriginRefused       the origin refuses (.status, .retry_after_s): report, wait longer
    ├── Untrusted           signature, sequence or hash chain of a document is wrong: use the old one
    │   └── Outdated            it is right, and older than what was accepted: an old cache may have sent it
    ├── CorruptContent      bytes do not match their hash: delete them and fetch again
    ├── StorageFull         the disk is full: evict content, then report
    ├── StorageBroken       a file or database cannot be read or written: rename it, rebuild, report
    │   └── Overloaded          it is right, and has too much to do: ask again later
    ├── ProviderFailed      the provider of identities does not answer, or what it says does not count: another way in
    ├── ScreenFailed        showing failed: skip the item, restart the deck
    │   ├── MediaUnplayable     the media is at fault (counts for quarantine)
    │   └── DeckLost            the deck process ended or hung (does not count)
    └── Rejected            the input is wrong (.fields): report it to the sender, change nothing
        ├── NotFound        nothing has this name
        ├── Forbidden       the caller is not allowed to
        │   └── Unauthenticated  the caller is not known
        │       └── CodeNeeded       the password is right, and the code of the second factor is missing
        ├── Conflict        the present state does not allow it (.users names the reasons)
        │   ├── RepeatedRequest  the same request is being answered, or its answer is kept nowhere
        │   └── Clash           two people changed the same (.clashes names both sides)
        ├── StaleVersion    somebody else changed it before (.current)
        ├── TooLarge        the input is over a limit
        ├── TooManyTries    a password or code was tried too often (.retry_after_s)
        └── Unsupported     the media type or encoding is not accepted
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Self


class SignageError(Exception):
    """The base of all errors of this project. The message says what happened, to what, and what to do.

    `offline`: this machine has no network or no name server yet, so nothing was sent to anybody. `retry_after_s` is how
    long the other side asks to wait before the next try; 0: it does not say.
    """

    offline = False
    retry_after_s = 0.0


class OriginUnreachable(SignageError):
    """The origin did not answer, or not in time. `answered`: something did, and not as an origin does."""

    def __init__(self, message: str, *, offline: bool = False, answered: bool = False) -> None:
        super().__init__(message)
        self.offline = offline
        self.answered = answered


class OriginRefused(SignageError):
    """The origin answered with an error status; `detail` is why, in its own words."""

    def __init__(self, message: str, *, status: int, retry_after_s: float | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail
        self.status = status
        self.retry_after_s = retry_after_s or 0.0

    @property
    def no_such_operation(self) -> bool:
        """Whether the origin does not know what it was asked for: it is of an earlier version."""
        return self.status in (404, 405)

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be answered better later."""
        return self.status >= 500 or self.status in (408, 425, 429)


class WordedCode(StrEnum):
    """A code that stays the same, for programs, in status, metrics and heartbeats; its `words` are for people."""

    words: str

    def __new__(cls, code: str, words: str) -> Self:
        """Make the member of a code."""
        made = str.__new__(cls, code)
        made._value_, made.words = code, words
        return made


class Distrust(WordedCode):
    """Which rule a refused document breaks."""

    MALFORMED = "malformed", "it is no such document, or larger than one may be"
    UNKNOWN_KEY = "unknown_key", "too few keys of the root signed it"
    BAD_SIGNATURE = "bad_signature", "it was changed after a key of the root signed it"
    ROLLBACK = "rollback", "it is older than what was accepted before"
    CONFLICT = "conflict", "it has the same sequence as one before, and other content"
    FREEZE = "freeze", "what was accepted before has expired, and nothing newer is served"
    EXPIRED = "expired", "it had expired before it was seen"
    FUTURE = "future", "it was issued more than a day ahead of a synchronised clock"
    MIXED = "mixed", "it is valid by itself, but not together with the others (mix-and-match)"
    ROOT_CHAIN = "root_chain", "the next root does not follow from the pinned one"
    ROOT_EXPIRED = "root_expired", "the root has expired"
    NO_ROOT = "no_root", "no root is pinned, or it is lost"
    UNSUPPORTED = "unsupported", "this version of the player does not know it"


def trust_text(code: str = "") -> str:
    """Return in words whether what an origin sends is accepted, by the code of the rule that is broken; empty: none.

    A rule that only a newer version knows is told by its code alone.
    """
    if not code:
        return "all documents are accepted"
    return ": ".join((code, *(rule.words for rule in Distrust if rule == code)))


class Untrusted(SignageError):
    """A signed document is not valid; the old one stays in use."""

    def __init__(self, message: str, reason: Distrust = Distrust.MALFORMED) -> None:
        super().__init__(message)
        self.reason = reason


class Outdated(Untrusted):
    """A signed document is older than one that was accepted before."""


class CorruptContent(SignageError):
    """Bytes do not match their hash; `reason` is set if they are a document that another one names."""

    def __init__(self, message: str, reason: Distrust | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class StorageFull(SignageError):
    """The disk has no space for what is to be written."""


class StorageBroken(SignageError):
    """A file or database is damaged, locked or unreadable."""


class Overloaded(StorageBroken):
    """There is more to read or write than can be done in time. `retry_after_s` is how long to wait."""

    retry_after_s = 5.0


class ProviderFailed(SignageError):
    """The provider of identities does not answer, refuses, or sent what does not count: log in in another way."""


class ScreenFailed(SignageError):
    """Something could not be shown."""


class MediaUnplayable(ScreenFailed):
    """The media cannot be shown. After repeated failures it is quarantined."""


class DeckLost(ScreenFailed):
    """A deck process ended, hung or was killed. The media is not at fault."""


class DeckMissing(DeckLost):
    """A deck cannot be started, again and again; the other one could do its work."""


class Rejected(SignageError):
    """The input is wrong; `fields` maps the path of each wrong field to a sentence about it."""

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class NotFound(Rejected):
    """Nothing has this name or id."""


class Forbidden(Rejected):
    """The caller is not allowed to do this.

    `asks` are roles of which one is needed, each with a space; `ask` are names of people who have one, once known.
    """

    def __init__(
        self, message: str, *, fields: Mapping[str, str] | None = None, asks: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message, fields=fields)
        self.asks = tuple(asks)
        self.ask: tuple[str, ...] = ()


class Unauthenticated(Forbidden):
    """The request has no valid token."""


class CodeNeeded(Unauthenticated):
    """The password is right, and a code of the second factor is needed as well."""


class Conflict(Rejected):
    """The present state does not allow the change; `users` names what prevents it."""

    def __init__(self, message: str, *, users: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.users = tuple(users)


class Clash(Conflict):
    """Two people changed the same of one document.

    `clashes` names each field with what was seen of it, theirs and yours; `agreed` what both agree on: values of JSON.
    """

    def __init__(
        self, message: str, *, clashes: Sequence[Mapping[str, object]], agreed: Sequence[Mapping[str, object]]
    ) -> None:
        super().__init__(message)
        self.clashes = tuple(clashes)
        self.agreed = tuple(agreed)


class RepeatedRequest(Conflict):
    """A request with the same idempotency key is being answered, or its answer is kept nowhere.

    `retry_after_s`: its answer may be there after that time; 0: it never will.
    """

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StaleVersion(Rejected):
    """The document was changed after the caller read it; `current` is its version now."""

    def __init__(self, message: str, *, current: int) -> None:
        super().__init__(message)
        self.current = current


class TooLarge(Rejected):
    """The input is over a limit."""


class TooManyTries(Rejected):
    """A password or a code was tried too often; `retry_after_s` is how long to wait."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unsupported(Rejected):
    """The media type or encoding of the input is not accepted."""
