"""Which engine a setting names. It never falls back to another one."""

from index.errors import EngineUnavailable
from index.flat import FlatIndex
from index.types import VectorIndex


def new_index(engine: str, contract: str, dimension: int, *, device: str = "cpu") -> VectorIndex:
    """An empty index at revision 0: engine "flat" on device "cpu" or "cuda"; EngineUnavailable otherwise."""
    if engine != "flat":
        raise EngineUnavailable(engine=engine, device=device)
    return FlatIndex(contract, dimension, device=device)
