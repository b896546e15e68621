"""Which engine a setting names. It never falls back to another one, and loads no library that was not asked for."""

from pathlib import Path
from types import ModuleType

from index.errors import EngineNotInstalled, EngineUnavailable
from index.flat import FlatIndex
from index.types import Server, VectorIndex

SHARED = {"milvus": "flat", "milvus-hnsw": "hnsw"}  # engines whose index lies on a server, and the kind they use there


def new_index(
    engine: str,
    contract: str,
    dimension: int,
    *,
    device: str = "cpu",
    folder: Path | None = None,
    server: Server | None = None,
) -> VectorIndex:
    """An empty index at revision 0, or on a `server` the index that is there; EngineUnavailable where it cannot be.

    Engine "flat" works on device "cpu" or "cuda"; with a `folder` its float32 vectors lie in files there instead of in
    memory. Engines "milvus" (exact) and "milvus-hnsw" (approximate) need a `server`. EngineNotInstalled,
    ServerUnreachable.
    """
    if engine == "flat":
        return FlatIndex(contract, dimension, device=device, folder=folder)
    if engine not in SHARED or device != "cpu" or server is None:
        raise EngineUnavailable(engine=engine, device=device)
    milvus = _milvus()
    index: VectorIndex = milvus.MilvusIndex(contract, dimension, server=server, kind=SHARED[engine])
    if index.stamp.revision == milvus.NOWHERE:
        index.restore((), 0)
    return index


def drop_index(contract: str, *, server: Server) -> None:
    """Remove what a server keeps of a contract. EngineNotInstalled, ServerUnreachable, EngineUnavailable."""
    _milvus().drop(contract, server=server)


def _milvus() -> ModuleType:
    try:
        from index import milvus
    except ImportError as missing:
        raise EngineNotInstalled(engine="milvus", library=missing.name or "pymilvus") from missing
    return milvus
