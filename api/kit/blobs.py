"""Pictures on disk, sealed, named by the sha256 of what they hold. Never writes a plaintext byte."""

import hashlib
import os
import secrets
from pathlib import Path

from api.kit.problems import BlobMissing
from api.kit.vault import Vault

PURPOSE = "blob"


class Blobs:
    """A folder of sealed files; writing the same bytes twice keeps one file."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self.folder = folder
        self._vault = vault

    def put(self, data: bytes) -> str:
        """Store and return the name; the file is complete on disk before the name exists."""
        name = hashlib.sha256(data).hexdigest()
        path = self._path(name)
        if path.exists():
            return name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{name}.{secrets.token_hex(4)}.part")
        with draft.open("wb") as file:
            file.write(self._vault.seal(PURPOSE, data, belongs_to=name))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return name

    def get(self, name: str) -> bytes:
        """Read and open, or raise BlobMissing or SealBroken."""
        try:
            sealed = self._path(name).read_bytes()
        except FileNotFoundError as missing:
            raise BlobMissing(blob=name[:8]) from missing
        return self._vault.open(PURPOSE, sealed, belongs_to=name)

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name
