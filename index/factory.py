"""Which engine a setting names. It never falls back to another one."""

from pathlib import Path

from index.errors import EngineUnavailable
from index.flat import FlatIndex
from index.types import VectorIndex


def new_index(
    engine: str, contract: str, dimension: int, *, device: str = "cpu", folder: Path | None = None
) -> VectorIndex:
    """An empty index at revision 0: engine "flat" on device "cpu" or "cuda"; EngineUnavailable otherwise.

    With a `folder` its float32 vectors lie in files there instead of in memory.
    """
    if engine != "flat":
        raise EngineUnavailable(engine=engine, device=device)
    return FlatIndex(contract, dimension, device=device, folder=folder)
