"""Turns aligned crops into unit templates. It never compares two of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facematch.bundle import RecogniserSection
from facematch.engine import Session, as_input
from facematch.errors import BundleInvalid
from facematch.types import Crop

LARGEST_BATCH = 16  # crops a run: more gains nothing on a processor and would only hold memory

Crops = NDArray[np.uint8]  # (n, 112, 112, 3), blue-green-red
Templates = NDArray[np.float32]  # (n, d), rows of norm 1


class Embedder:
    """The recogniser of a bundle on a loaded network."""

    def __init__(self, section: RecogniserSection, session: Session, *, dimension: int) -> None:
        self.section, self.session, self.dimension = section, session, dimension

    def embed(self, crops: Crops | Sequence[Crop]) -> Templates:
        """Templates (n, d) float32 with norm 1 for crops (n, 112, 112, 3) uint8.

        Raises BundleInvalid when the network does not give the dimension that its bundle names.
        """
        runs = [self._run(crops[start : start + LARGEST_BATCH]) for start in range(0, len(crops), LARGEST_BATCH)]
        if not runs:
            return np.empty((0, self.dimension), dtype=np.float32)
        templates = np.concatenate(runs)
        if templates.shape != (len(crops), self.dimension):
            raise BundleInvalid(problem=f"{templates.shape[-1]} numbers a face where {self.dimension} were named")
        unit: Templates = templates / np.linalg.norm(templates, axis=1, keepdims=True)
        return unit

    def _run(self, crops: Crops | Sequence[Crop]) -> Templates:
        pictures = as_input(crops, self.section.pixels)
        return self.session.run({self.session.input_name: pictures})[0]
