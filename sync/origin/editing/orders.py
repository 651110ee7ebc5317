"""The order of a list that two people changed: each keeps what they placed, where they placed it. Pure."""

from collections.abc import Collection, Iterable, Sequence, Set

from sync.origin.audit.differences import moved_places


def moved(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """Return the fewest ids whose moves make the order of `after` of that of `before`, of those that are in both."""
    places = {id: place for place, id in enumerate(before)}
    common = [id for id in after if id in places]
    found = moved_places([places[id] for id in common])
    return {id for id in common if places[id] in found}


def predecessors(ids: Iterable[str], among: Set[str]) -> dict[str, str | None]:
    """Return for each id the nearest one before it that is `among` them; None: there is none."""
    found: dict[str, str | None] = {}
    last: str | None = None
    for id in ids:
        found[id] = last
        last = id if id in among else last
    return found


def merged_order(yours: Sequence[str], theirs: Sequence[str], placed: Set[str], gone: Collection[str]) -> list[str]:
    """Return the order of `theirs` without what is `gone`, and with what you `placed` where you placed it.

    What you placed stands behind the nearest one before it in `yours` that is still there: at the very beginning if
    there is none, and at the very end if you placed it behind all that are there.
    """
    steady = [id for id in theirs if id not in placed and id not in gone]
    there = set(steady)
    behind: dict[str | None, list[str]] = {}
    anchor: str | None = None
    last = max((place for place, id in enumerate(yours) if id in there), default=-1)
    at_end = [id for id in yours[last + 1 :] if id in placed]
    for id in yours[: last + 1]:
        if id in there:
            anchor = id
        elif id in placed:
            behind.setdefault(anchor, []).append(id)
    found = behind.get(None, [])
    for id in steady:
        found += [id, *behind.get(id, ())]
    return found + at_end
