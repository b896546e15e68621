"""Templates as they lie in the database: sealed, each bound to its face and contract. Never writes one in clear."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from api.kit.vault import Vault

PURPOSE = "template"
STORED = np.dtype("<f4")


def seal_template(vault: Vault, template: NDArray[np.float32], *, face_id: str, contract: str) -> bytes:
    """Seal a template (d,) float32, little-endian."""
    return vault.seal(PURPOSE, template.astype(STORED).tobytes(), belongs_to=f"{face_id}/{contract}")


def open_templates(
    vault: Vault, sealed: bytes | memoryview, *, face_ids: Sequence[str], contract: str
) -> NDArray[np.float32]:
    """Templates (n, d) of one length whose seals lie one after the other. Raises SealBroken as `open_template`."""
    rows = [f"{face_id}/{contract}".encode() for face_id in face_ids]
    plain = vault.open_lot(PURPOSE, sealed, belong_to=rows)
    return np.frombuffer(plain, STORED).astype(np.float32, copy=False).reshape(len(rows), -1)


def open_template(vault: Vault, sealed: bytes, *, face_id: str, contract: str) -> NDArray[np.float32]:
    """The template (d,) float32. Raises SealBroken, also for a template moved from another row."""
    plain = vault.open(PURPOSE, sealed, belongs_to=f"{face_id}/{contract}")
    return np.frombuffer(plain, STORED).astype(np.float32)
