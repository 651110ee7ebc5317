"""The states a thing can be in and the moves between them, as one table that refuses every other move."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

State = TypeVar("State", bound=StrEnum)


class ForbiddenMove(Exception):
    """The code tried a move that its table does not allow: a bug, never an input error."""


@dataclass(frozen=True, slots=True)
class StateTable(Generic[State]):
    """The life of one kind of thing.

    `moves` names for each state the states that may follow, each with the reason for the move, in a few words. A state
    without a following state is an end. `title` names the thing in errors and drawings.
    """

    title: str
    start: State
    moves: Mapping[State, Mapping[State, str]]

    def move(self, before: State, after: State) -> State:
        """Return `after` if the table allows this move.

        Raises:
            ForbiddenMove: it does not; nothing has changed.
        """
        if after not in self.moves[before]:
            raise ForbiddenMove(f"{self.title}: no move from {before.value} to {after.value}")
        return after

    def before(self, after: State) -> tuple[State, ...]:
        """Return the states from which a thing may move to `after`, in the order of the table (for SQL conditions)."""
        return tuple(state for state, following in self.moves.items() if after in following)

    def is_end(self, state: State) -> bool:
        """Tell whether nothing follows."""
        return not self.moves[state]

    def mermaid(self) -> str:
        """Draw the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.start.name}"]
        for state, following in self.moves.items():
            lines += [f"    {state.name} --> {after.name}: {reason}" for after, reason in following.items()]
            lines += [f"    {state.name} --> [*]"] if not following else []
        return "\n".join(lines)
