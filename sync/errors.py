"""The error tree that both sides raise, drawn by fault and so by remedy.

A boundary converts what a library raises, `from error`:

    SignageError
    ├── OriginUnreachable   the wire: wait and try again, for ever
    ├── OriginRefused       the origin said no (.status, .retry_after_s): report, back off
    ├── Untrusted           signature, sequence or hash chain of a document is wrong: keep the old one
    ├── CorruptContent      bytes are not what their name says: drop and fetch again
    ├── StorageFull         no room: evict, then report
    ├── StorageBroken       a file or database cannot be read or written: set aside, rebuild, report
    ├── ScreenFailed        showing failed: skip the item, renew the deck
    │   ├── MediaUnplayable     the item's own fault (counts towards quarantine)
    │   └── DeckLost            the deck died or hung from outside (does not count)
    └── Rejected            input is wrong (.fields): tell who sent it, change nothing
        ├── NotFound        there is no such thing
        ├── Forbidden       the caller may not
        │   └── Unauthenticated  nobody has said who calls
        ├── Conflict        the state of things forbids it now (.users names what stands in the way)
        ├── StaleVersion    somebody else changed it first (.current)
        ├── TooLarge        over a stated limit
        └── Unsupported     a media type or encoding we do not take
"""

from collections.abc import Mapping, Sequence


class SignageError(Exception):
    """Root of all errors of this project; the message says what happened, to what, and what to do."""


class OriginUnreachable(SignageError):
    """The origin did not answer, or not in time."""


class OriginRefused(SignageError):
    """The origin answered with an error status."""

    def __init__(self, message: str, *, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class Untrusted(SignageError):
    """A signed document does not check out: what is held stays in force."""


class CorruptContent(SignageError):
    """Bytes do not hash to their name."""


class StorageFull(SignageError):
    """There is no room left for what was to be written."""


class StorageBroken(SignageError):
    """A file or database is damaged, locked or unreadable."""


class ScreenFailed(SignageError):
    """Something could not be shown."""


class MediaUnplayable(ScreenFailed):
    """The media itself cannot be shown; repeated failures quarantine it."""


class DeckLost(ScreenFailed):
    """A deck process died, hung or was killed; the media is not to blame."""


class Rejected(SignageError):
    """Input is wrong; `fields` maps the path of each wrong field to what is wrong with it."""

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class NotFound(Rejected):
    """There is no such thing."""


class Forbidden(Rejected):
    """The caller is known, or comes from elsewhere, and may not do this."""


class Unauthenticated(Forbidden):
    """No valid token came with the request."""


class Conflict(Rejected):
    """The present state forbids the change; `users` names what stands in its way."""

    def __init__(self, message: str, *, users: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.users = tuple(users)


class StaleVersion(Rejected):
    """The thing was changed since the caller read it; `current` is the version it has now."""

    def __init__(self, message: str, *, current: int) -> None:
        super().__init__(message)
        self.current = current


class TooLarge(Rejected):
    """Input is over a stated limit."""


class Unsupported(Rejected):
    """Input is of a kind we do not take."""
