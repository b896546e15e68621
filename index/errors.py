"""What can go wrong in the memory. Each class carries a stable code and facts.

MemoryRefusal
├── VectorRefused: WrongDimension, NotUnit, OtherContract
├── StaleRevision
├── SnapshotDamaged
└── EngineUnavailable: EngineNotInstalled, ServerUnreachable
"""

from typing import ClassVar


class MemoryRefusal(Exception):
    """Root of the memory's refusals."""

    code: ClassVar[str] = "memory-refusal"

    def __init__(self, **facts: str | int | float) -> None:
        super().__init__(self.code, facts)
        self.facts = facts


class VectorRefused(MemoryRefusal):
    """A vector that may not enter or be asked."""

    code = "vector-refused"


class WrongDimension(VectorRefused):
    """Another number of components than the index holds."""

    code = "vector-wrong-dimension"


class NotUnit(VectorRefused):
    """Not finite, or not of norm 1."""

    code = "vector-not-unit"


class OtherContract(VectorRefused):
    """Made by another model or preprocessing; comparing it would be meaningless."""

    code = "vector-other-contract"


class StaleRevision(MemoryRefusal):
    """A change that does not follow the last revision applied."""

    code = "index-revision-stale"


class SnapshotDamaged(MemoryRefusal):
    """A snapshot whose authentication fails."""

    code = "index-snapshot-damaged"


class EngineUnavailable(MemoryRefusal):
    """The search engine asked for is not installed or has no device."""

    code = "index-engine-unavailable"


class EngineNotInstalled(EngineUnavailable):
    """The library of the search engine asked for is not installed."""

    code = "index-engine-not-installed"


class ServerUnreachable(EngineUnavailable):
    """The server that keeps the index did not answer in time. This says nothing about what is in it."""

    code = "index-server-unreachable"
