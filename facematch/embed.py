"""Turns aligned crops into unit templates. It never compares two of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facematch.bundle import RecogniserSection
from facematch.engine import Network
from facematch.errors import BundleInvalid
from facematch.types import Crop

Crops = NDArray[np.uint8]  # (n, 112, 112, 3), blue-green-red
Templates = NDArray[np.float32]  # (n, d), rows of norm 1
Norms = NDArray[np.float32]  # (n,)


class Embedder:
    """The recogniser of a bundle on a loaded network."""

    def __init__(self, section: RecogniserSection, session: Network, *, dimension: int) -> None:
        self.section, self.session, self.dimension = section, session, dimension

    def embed(self, crops: Crops | Sequence[Crop]) -> Templates:
        """Templates (n, d) float32 with norm 1 for crops (n, 112, 112, 3) uint8. Raises as `embed_with_norms`."""
        return self.embed_with_norms(crops)[0]

    def embed_with_norms(self, crops: Crops | Sequence[Crop]) -> tuple[Templates, Norms]:
        """Templates (n, d) with norm 1, and the norms (n,) they had before: the longer, the surer the network was.

        Raises BundleInvalid when the network does not give the dimension that its bundle names.
        """
        if not len(crops):
            return np.empty((0, self.dimension), dtype=np.float32), np.empty(0, dtype=np.float32)
        raw = self.session.outputs_of(crops)[0]
        if raw.shape != (len(crops), self.dimension):
            raise BundleInvalid(problem=f"{raw.shape[-1]} numbers a face where {self.dimension} were named")
        norms = np.linalg.norm(raw, axis=1)
        return raw / norms[:, None], norms
