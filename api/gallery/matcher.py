"""The eye and the memory of one process together, under one contract. Made once at the start; never reads a record."""

from dataclasses import dataclass

from api.gallery import replica
from api.kit.node import Node
from facematch.extractor import Extractor, open_extractor
from facematch.likelihood import Calibration, read_calibration
from facematch.types import Template
from index.live import LiveIndex
from index.types import Filter, Neighbour


@dataclass(frozen=True)
class Matcher:
    """Finds faces, finds who looks like them, and says what a similarity is worth."""

    extractor: Extractor
    live: LiveIndex
    calibration: Calibration

    @property
    def contract(self) -> str:
        return self.extractor.contract

    def nearest(self, template: Template, k: int, where: Filter) -> list[Neighbour]:
        """The `k` most similar persons, best first, for a template (d,) of this contract."""
        return self.live.search(template[None], k, where)[0]


def open_matcher(node: Node, *, extractor: Extractor | None = None) -> Matcher:
    """Load weights, calibration and index; an extractor that is already open may be handed in.

    Raises BundleError, DeviceUnavailable, CalibrationMissing, EngineUnavailable, SealBroken.
    """
    extractor = extractor or _open_extractor(node)
    calibration = read_calibration(extractor.bundle.folder / "calibration.json", contract=extractor.contract)
    index = replica.open_index(node, extractor.contract, extractor.dimension)
    return Matcher(extractor, LiveIndex(index), calibration)


def _open_extractor(node: Node) -> Extractor:
    settings = node.settings
    return open_extractor(
        settings.bundle,
        models_dir=settings.models_dir,
        weights_dir=settings.weights_dir,
        device=settings.device,
        threads=settings.threads,
    )
