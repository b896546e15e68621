"""The root of every refusal in api, and the ones no single room owns. Knows codes, never status numbers.

A refusal carries a stable `code` and `facts`; `api.errors` gives each its status and its sentences.
"""

from collections.abc import Mapping
from typing import ClassVar

Fact = str | int | float | bool | None | list[object] | dict[str, object]


class Refusal(Exception):
    """Something that was asked and will not be done; nothing was written."""

    code: ClassVar[str] = "refused"

    def __init__(self, **facts: Fact) -> None:
        super().__init__(self.code, facts)
        self.facts: Mapping[str, Fact] = facts


class NotFound(Refusal):
    """No such record, or one of another organisation: nobody can tell which."""

    code = "not-found"


class InvalidInput(Refusal):
    """A field that says something impossible; facts name the field and what is wrong."""

    code = "invalid-input"


class StaleRecord(Refusal):
    """The record was changed by somebody else since it was read."""

    code = "revision-stale"


class WrongState(Refusal):
    """The act does not fit the state the record is in."""

    code = "wrong-state"


class IdempotencyKeyReused(Refusal):
    """The same key came with another body."""

    code = "idempotency-key-reused"


class CursorInvalid(Refusal):
    """A page cursor this node did not give."""

    code = "cursor-invalid"


class DatabaseOutdated(Refusal):
    """The database stands at another migration than the program."""

    code = "database-outdated"


class KeyMissing(Refusal):
    """The key-encryption key is not where the settings say, though data was sealed with one."""

    code = "key-missing"


class SealBroken(Refusal):
    """Sealed data that was altered, moved to another row, or sealed with another key."""

    code = "seal-broken"


class BlobMissing(Refusal):
    """A picture's file is not in the store."""

    code = "blob-missing"


class AddressTaken(Refusal):
    """Another program listens at the address in the settings."""

    code = "address-taken"


class ImportBegun(Refusal):
    """This table was imported before, wholly or in part."""

    code = "import-begun"
