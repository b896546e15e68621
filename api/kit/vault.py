"""Sealing: AES-256-GCM under keys derived from one key-encryption key that lives outside the database.

The row a piece belongs to is its associated data, so a swapped row does not open.
Never writes plaintext anywhere and never logs a key.
"""

import hmac
import os
import secrets
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api.kit.problems import KeyMissing, SealBroken

FORMAT = b"\x01"
NONCE_BYTES = 12  # NIST SP 800-38D
TAG_BYTES = 16
OVERHEAD = len(FORMAT) + NONCE_BYTES + TAG_BYTES
KEY_BYTES = 32


class Vault:
    """Seals and opens bytes for one purpose each; derives the keys of other rooms."""

    def __init__(self, master_key: bytes) -> None:
        self._master = master_key
        self._ciphers: dict[str, AESGCM] = {}

    @cached_property
    def key_id(self) -> str:
        """Eight characters that name the key without telling it."""
        return self.derive("key-id").hex()[:8]

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose (HKDF-SHA256, RFC 5869)."""
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(self._master)

    def seal(self, purpose: str, plain: bytes, *, belongs_to: str) -> bytes:
        """Encrypt; `belongs_to` names the row and must be given again to open."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return FORMAT + nonce + self._cipher(purpose).encrypt(nonce, plain, belongs_to.encode())

    def open(self, purpose: str, sealed: bytes, *, belongs_to: str) -> bytes:
        """Decrypt, or raise SealBroken."""
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            if sealed[:1] != FORMAT:
                raise SealBroken(purpose=purpose)
            return self._cipher(purpose).decrypt(nonce, body, belongs_to.encode())
        except (InvalidTag, ValueError) as broken:
            raise SealBroken(purpose=purpose) from broken

    def open_lot(self, purpose: str, sealed: bytes | memoryview, *, belong_to: Sequence[bytes]) -> bytearray:
        """Decrypt pieces of one length that lie one after the other, each of its own row, or raise SealBroken.

        What they say lies one after the other in one room, which costs less than a string for each.
        """
        count, length = len(belong_to), len(sealed) // len(belong_to)
        plain, pieces = length - OVERHEAD, memoryview(sealed)
        if plain < 0 or length * count != len(sealed) or pieces[::length] != FORMAT * count:
            raise SealBroken(purpose=purpose)
        room = bytearray(plain * count)
        spaces, decrypt = memoryview(room), self._cipher(purpose).decrypt_into
        try:
            for number, row in enumerate(belong_to):
                at, to = number * length + 1, number * plain
                body = at + NONCE_BYTES
                decrypt(pieces[at:body], pieces[body : at + length - 1], row, spaces[to : to + plain])
        except (InvalidTag, ValueError) as broken:
            raise SealBroken(purpose=purpose) from broken
        return room

    def sign(self, purpose: str, message: bytes) -> str:
        """HMAC-SHA256 in hex."""
        return hmac.new(self.derive(purpose), message, "sha256").hexdigest()

    def _cipher(self, purpose: str) -> AESGCM:
        if purpose not in self._ciphers:
            self._ciphers[purpose] = AESGCM(self.derive(purpose))
        return self._ciphers[purpose]


def open_vault(key_file: Path, *, may_create: bool) -> Vault:
    """Read the key-encryption key; make one only for a home that holds nothing sealed yet."""
    if not key_file.exists():
        if not may_create:
            raise KeyMissing(file=key_file.name)
        key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
    key = key_file.read_bytes()
    if len(key) != KEY_BYTES:
        raise KeyMissing(file=key_file.name)
    return Vault(key)
