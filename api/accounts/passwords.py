"""Passwords and secrets: argon2id hashes, length, and tokens of which only the digest is kept."""

import hashlib
import secrets

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from api.kit.problems import Refusal

MEMORY_KIB = 64 * 1024  # OWASP ASVS 5.0, 11.4.2; trust figure: argon2id with 64 MiB
LONGEST = 256
HASHER = PasswordHash((Argon2Hasher(memory_cost=MEMORY_KIB, time_cost=3, parallelism=1),))
NOBODY = HASHER.hash(secrets.token_urlsafe(24))


class PasswordTooWeak(Refusal):
    """Too short, too long, or easy to guess from the login."""

    code = "password-too-weak"


def hash_password(password: str, *, login: str, min_length: int) -> str:
    """An argon2id hash, or PasswordTooWeak."""
    obvious = login.lower() in password.lower() or len(set(password)) < 6
    if not min_length <= len(password) <= LONGEST or obvious:
        raise PasswordTooWeak(min_length=min_length)
    return HASHER.hash(password)


def password_fits(password: str, stored: str | None) -> bool:
    """Compare; an unknown user costs the same work as a known one, so nobody can tell by the time."""
    return HASHER.verify(password[:LONGEST], stored or NOBODY) and stored is not None


def new_token() -> str:
    """256 bits of chance, as text."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
