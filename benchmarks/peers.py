"""Other engines beside ours, behind one small face. It never says which is better.

Peers that are not installed are left out (`missing` names them); the dependency group `bench` brings them.
"""

import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index.types import Vectors

Numbers = NDArray[np.int64]
Ask = Callable[[Vectors, int], Numbers]  # queries (b, d), k -> numbers of templates (b, k)
OPTIONAL = {"hnswlib": "hnswlib", "usearch": "usearch", "milvus-lite": "pymilvus"}
HNSW_WIDTH, HNSW_BUILD, HNSW_ASK = 16, 200, 512  # M, ef_construction, ef: the makers' usual choice, and a careful ask
FLAT, REFINED = "FAISS flat", "FAISS SQ8 + refine"
NARROW = 5  # times k: what a refined search takes from its narrow codes


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine with a gallery in it, and the wall time to build it in seconds."""

    name: str
    ask: Ask
    build_s: float


def installed(name: str) -> bool:
    """Whether an optional peer can be imported."""
    return importlib.util.find_spec(OPTIONAL[name]) is not None


def faiss_peers(batches: Iterable[Vectors], dimension: int) -> tuple[list[Peer], Vectors]:
    """IndexFlatIP with matrix products for batches, as our own engine sets it, and SQ8 refined by it; its vectors."""
    started = time.perf_counter()
    flat = faiss.IndexFlatIP(dimension)
    for batch in batches:
        flat.add(batch)
    vectors = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * dimension).reshape(-1, dimension)
    after_flat = time.perf_counter()
    narrow = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    narrow.train(vectors[:: max(1, len(vectors) // 50_000)])
    narrow.add(vectors)
    refined = faiss.IndexRefine(narrow, flat)
    refined.k_factor = NARROW
    build = time.perf_counter() - after_flat
    kept = (flat, narrow, refined)  # IndexRefine borrows both
    return [
        Peer(FLAT, lambda queries, k: kept[0].search(queries, k)[1], after_flat - started),
        Peer(REFINED, lambda queries, k: kept[2].search(queries, k)[1], build),
    ], vectors


def usearch_exact(vectors: Vectors, threads: int) -> Peer:
    """usearch's exhaustive search over the vectors where they lie."""
    from usearch.index import search

    def ask(queries: Vectors, k: int) -> Numbers:
        keys = search(vectors, queries, k, "ip", exact=True, threads=threads).keys
        return np.asarray(keys).astype(np.int64).reshape(len(queries), -1)

    return Peer("usearch exact", ask, 0.0)


def usearch_graph(vectors: Vectors, threads: int) -> Peer:
    """usearch's HNSW in half precision."""
    from usearch.index import Index

    started = time.perf_counter()
    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f16", connectivity=HNSW_WIDTH, expansion_search=HNSW_ASK)
    index.add(np.arange(len(vectors)), vectors, threads=threads)

    def ask(queries: Vectors, k: int) -> Numbers:
        return np.asarray(index.search(queries, k, threads=threads).keys).astype(np.int64).reshape(len(queries), -1)

    return Peer("usearch HNSW f16", ask, time.perf_counter() - started)


def hnswlib_graph(vectors: Vectors, threads: int) -> Peer:
    """hnswlib's HNSW in float32."""
    import hnswlib

    started = time.perf_counter()
    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), M=HNSW_WIDTH, ef_construction=HNSW_BUILD)
    index.set_num_threads(threads)
    index.add_items(vectors)
    index.set_ef(HNSW_ASK)

    def ask(queries: Vectors, k: int) -> Numbers:
        return np.asarray(index.knn_query(queries, k)[0]).astype(np.int64)

    return Peer("hnswlib HNSW", ask, time.perf_counter() - started)


def milvus_lite(vectors: Vectors, threads: int) -> Peer:  # noqa: ARG001 - it chooses its threads itself
    """Milvus Lite with a FLAT index in a folder of its own."""
    from pymilvus import MilvusClient

    folder = tempfile.TemporaryDirectory(prefix="lighthouse-milvus-")
    started = time.perf_counter()
    client = MilvusClient(str(Path(folder.name) / "peer.db"))
    client.create_collection("faces", dimension=vectors.shape[1], metric_type="IP", id_type="int")
    for start in range(0, len(vectors), 1_000):
        rows = [{"id": start + row, "vector": vector} for row, vector in enumerate(vectors[start : start + 1_000])]
        client.insert("faces", rows)

    def ask(queries: Vectors, k: int) -> Numbers:
        held = folder.name  # the folder lives as long as this
        found = client.search("faces", queries.tolist(), limit=k, timeout=60) if held else []
        return np.array([[one["id"] for one in answer] for answer in found])

    return Peer("milvus-lite FLAT", ask, time.perf_counter() - started)


def true_nearest(vectors: Vectors, queries: Vectors, k: int) -> Numbers:
    """Numbers (b, k) of the rows with the largest inner products in float64, best first."""
    exact, best = queries.astype(np.float64), np.empty((len(queries), 0))
    numbers = np.empty((len(queries), 0), np.int64)
    for start in range(0, len(vectors), 16_384):
        scores = exact @ vectors[start : start + 16_384].astype(np.float64).T
        rows = np.argpartition(scores, -min(k, scores.shape[1]), axis=1)[:, -k:]
        best = np.concatenate((best, np.take_along_axis(scores, rows, 1)), axis=1)
        numbers = np.concatenate((numbers, rows + start), axis=1)
        order = np.argsort(-best, axis=1)[:, :k]
        best, numbers = np.take_along_axis(best, order, 1), np.take_along_axis(numbers, order, 1)
    return numbers


def recall(found: Numbers, true: Numbers) -> float:
    """Share of the true nearest rows that were found."""
    hits = [len(set(some) & set(whole)) for some, whole in zip(found.tolist(), true.tolist(), strict=True)]
    return sum(hits) / true.size
