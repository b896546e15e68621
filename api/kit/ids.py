"""Time-ordered ids: 26 characters of Crockford base 32 (48 bits of milliseconds, 80 of chance), as ULID."""

import secrets
from datetime import datetime

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26


def new_id(now: datetime) -> str:
    """An id that sorts by the moment it was made."""
    number = (int(now.timestamp() * 1000) << 80) | secrets.randbits(80)
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, 32)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def public_id(domain: str, kind: str, local: str) -> str:
    """The id other nodes know a record by: `police.example/case/01J…`."""
    return f"{domain}/{kind}/{local}"
