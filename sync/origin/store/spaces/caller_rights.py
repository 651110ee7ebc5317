"""Whose rights count: those of who sent the request, set for each by the guard; else all.

They belong to the task, like a transaction's author, so that a store asks for them where it selects rows, and no
handler can forget to hand them over. Work in threads does not see them: conditions are made before.
"""

from contextvars import ContextVar

from sync.roles import Rights, Role

ALL = Rights.of(Role.ADMINISTRATOR)
"""The rights of this program itself: its services, and its command line."""

_RIGHTS: ContextVar[Rights] = ContextVar("rights", default=ALL)


def act_with(rights: Rights) -> None:
    """Have these rights count in this task from now on."""
    _RIGHTS.set(rights)


def caller_rights() -> Rights:
    """Return the rights that count in this task."""
    return _RIGHTS.get()
