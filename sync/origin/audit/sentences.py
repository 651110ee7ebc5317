"""Entries of the audit log as English sentences, such as "Anna took “Lunch” out of playlist “Lobby”". Pure.

Programs take the codes and fields beside them; sentences may be worded anew at any time.
"""

from collections.abc import Mapping, Sequence

from sync.origin.audit.actor import Actor, ActorKind
from sync.origin.audit.changes import Action, ThingKind
from sync.origin.audit.differences import Difference, DifferenceKind

_MOST_TOLD = 3  # differences

_WORDS: Mapping[ThingKind, str] = {
    ThingKind.SCHEDULE: "the schedule of channel",
    ThingKind.RELEASE: "channel",
    ThingKind.DEVICE: "screen",
    ThingKind.PLAYS: "plays of screen",
    ThingKind.PERSON: "the account",
    ThingKind.KEY: "the key",
    ThingKind.LOG: "old entries of the log",
    ThingKind.TRUST: "the keys that screens trust:",
}
"""How a kind is called where that is not its code."""

_SENTENCES: Mapping[Action, str] = {
    Action.CREATED: "{who} made {what}",
    Action.CHANGED: "{who} changed {what}",
    Action.REMOVED: "{who} removed {what}",
    Action.RETRIED: "{who} had {what} tried again",
    Action.READY: "{what} is ready",
    Action.FAILED: "{what} failed",
    Action.PUBLISHED: "{who} published {what}",
    Action.PLANNED: "{who} planned a release of {what}",
    Action.CANCELLED: "{who} cancelled a planned release of {what}",
    Action.NOT_PUBLISHED: "a planned release of {what} failed",
    Action.PAIRED: "{who} let {what} in",
    Action.LET_THROUGH: "{who} let a release through on {what}",
    Action.SPLIT: "{who} gave a machine of {what} an identity of its own",
    Action.SETTLED: "{who} dealt with the doubts about {what}",
    Action.CERTIFIED: "{what} got a certificate for its key",
    Action.REVOKED: "{who} revoked a key of {what}",
    Action.ACCEPTED: "{who} had {what} count that were set aside",
    Action.MOVED: "{who} put {what} into another space",
    Action.LENT: "{who} lent {what} to another space",
    Action.TAKEN_BACK: "{who} took {what} back from another space",
    Action.REVIEW_ASKED: "{who} asked for a review of {what}",
    Action.REMARKED: "{who} said something about {what}",
    Action.APPROVED: "{who} approved {what}",
    Action.RETURNED: "{who} returned {what}",
    Action.RESET: "{who} reset {what}",
    Action.LOGGED_IN: "{who} logged in",
    Action.LOGGED_OUT: "{who} logged out",
    Action.PASSWORD_SET: "{who} set a new password",
    Action.SECOND_FACTOR_SET: "{who} changed the second factor",
    Action.RECOVERY_CODE_USED: "{who} used a recovery code",
    Action.PASSKEY_ADDED: "{who} added a passkey",
    Action.PASSKEY_RENAMED: "{who} renamed a passkey",
    Action.PASSKEY_REMOVED: "{who} removed a passkey",
    Action.LINKED: "{who} linked {what} to a provider",
    Action.UNLINKED: "{who} took {what} from a provider",
    Action.SESSION_ENDED: "{who} ended a session",
    Action.LOG_IN_REFUSED: "{who} was refused as {what}",
    Action.SLOWED_DOWN: "{who} tried too often to be {what}",
}

_PHRASES: Mapping[DifferenceKind, str] = {
    DifferenceKind.ADDED: "put “{name}” into",
    DifferenceKind.REMOVED: "took “{name}” out of",
    DifferenceKind.MOVED: "moved “{name}” in",
    DifferenceKind.CHANGED: "changed “{name}” in",
}


def sentence(
    actor: Actor, kind: ThingKind, name: str, action: Action, differs: Sequence[Difference] = (), others: int = 0
) -> str:
    """Return the sentence of an entry; `differs`: how the versions differ, each with a name, and in how many others."""
    who, what = _who(actor), f"{_WORDS.get(kind, kind.value)} “{name}”"
    parts = [one for one in differs if one.part]
    if action is Action.CHANGED and len(parts) == 1 and len(differs) == 1:
        return f"{who} {_PHRASES[parts[0].kind].format(name=parts[0].name)} {what}"
    told = _SENTENCES[action].format(who=who, what=what)
    if action is not Action.CHANGED or not differs:
        return _upper(told)
    phrases = [_brief(one) for one in differs[:_MOST_TOLD]]
    untold = len(differs) + others - _MOST_TOLD
    more = f", and {untold} more" if untold > 0 else ""
    return _upper(f"{told}: {', '.join(phrases)}{more}")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _brief(difference: Difference) -> str:
    if not difference.part:
        return ", ".join(difference.fields)
    return f"“{difference.name}” {difference.kind.value}"


def _who(actor: Actor) -> str:
    match actor.kind:
        case ActorKind.ORIGIN:
            return "The origin"
        case ActorKind.UNKNOWN:
            return "Somebody"
        case ActorKind.DEVICE:
            return f"Screen “{actor.name}”"
        case ActorKind.KEY:
            return f"Key “{actor.name}”"
        case ActorKind.COMMAND_LINE:
            return f"{actor.name} (on the machine of the origin)"
        case ActorKind.PERSON:
            return actor.name
