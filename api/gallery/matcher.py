"""The eye of one process and its memories, one for each contract. Made once at the start; never reads a record."""

import os
from dataclasses import dataclass

from api.gallery import replica
from api.kit.node import Node
from facematch.ensemble import Ensemble, open_ensemble
from facematch.fusion import Fusion, read_fusion
from facematch.likelihood import Calibration, read_calibration
from index.live import LiveIndex


@dataclass(frozen=True)
class Memory:
    """Everybody who can be found under one contract, and what its similarities are worth."""

    live: LiveIndex
    calibration: Calibration

    @property
    def contract(self) -> str:
        return self.calibration.contract


@dataclass(frozen=True)
class Matcher:
    """Finds faces, finds who looks like them, says what similarities are worth; the leading contract comes first."""

    eye: Ensemble
    memories: tuple[Memory, ...]
    fusion: Fusion
    at_once: int = 1  # pictures the eye should be given at a time where there are many

    @property
    def leading(self) -> Memory:
        return self.memories[0]

    @property
    def contracts(self) -> tuple[str, ...]:
        return self.eye.contracts

    @property
    def contract(self) -> str:
        """What answers are found with: the contract, or all of them joined by "+", the leading one first."""
        return "+".join(self.contracts)

    @property
    def calibration(self) -> str:
        """What answers are judged by: the calibrations, and how several models or photographs are put together."""
        return self.fusion.name([memory.calibration.id for memory in self.memories])


def open_matcher(node: Node, *, eye: Ensemble | None = None, many: bool = False) -> Matcher:
    """Load weights, calibrations and indexes; an eye that is already open may be handed in.

    With `many` every core looks at a picture of its own, which is faster for many and slower for one.

    Raises BundleError, DeviceUnavailable, CalibrationMissing, EngineUnavailable, SealBroken.
    """
    cores = node.settings.threads or os.cpu_count() or 1
    eye = eye or open_eye(node, node.settings.bundles, many=many)
    calibrations = [
        read_calibration(one.bundle.folder / "calibration.json", contract=one.contract) for one in eye.extractors
    ]
    fusion = read_fusion(node.settings.models_dir)
    memories = tuple(
        Memory(LiveIndex(replica.open_index(node, one.contract, one.dimension)), calibration)
        for one, calibration in zip(eye.extractors, calibrations, strict=True)
    )
    return Matcher(eye, memories, fusion, at_once=cores if many else 1)


def open_eye(node: Node, bundles: tuple[str, ...], *, many: bool = False) -> Ensemble:
    """The models of these bundles side by side; `many` as for `open_matcher`. Raises BundleError, DeviceUnavailable."""
    settings = node.settings
    return open_ensemble(
        bundles,
        models_dir=settings.models_dir,
        weights_dir=settings.weights_dir,
        device=settings.device,
        threads=1 if many else settings.threads,
    )
