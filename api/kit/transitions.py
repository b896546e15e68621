"""State machines as data: rows of (state, event, next). Never decides who may; rooms' policies do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from api.kit.problems import WrongState


@dataclass(frozen=True)
class Transitions:
    """One state machine; `of` refuses a table in which a pair of state and event stands twice."""

    name: str
    initial: str
    moves: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, name: str, initial: str, rows: Iterable[tuple[str, str, str]]) -> "Transitions":
        moves: dict[tuple[str, str], str] = {}
        for states, event, following in rows:
            for state in states.split():
                if (state, event) in moves:
                    raise ValueError(f"{name}: {state} with {event} stands twice")
                moves[state, event] = following
        return cls(name, initial, moves)

    @property
    def states(self) -> frozenset[str]:
        return frozenset({self.initial, *self.moves.values(), *(state for state, _ in self.moves)})

    @property
    def events(self) -> frozenset[str]:
        return frozenset(event for _, event in self.moves)

    def move(self, state: str, event: str) -> str:
        """The state after `event`, or WrongState."""
        try:
            return self.moves[state, event]
        except KeyError:
            raise WrongState(record=self.name, state=state, event=event) from None

    def admits(self, state: str, event: str) -> bool:
        """Whether `event` may happen in `state`."""
        return (state, event) in self.moves
