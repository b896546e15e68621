"""How long a probe takes: bytes in, candidates out, through the real service over loopback, with a large gallery.

Peer: the same eye and FAISS's flat index called directly in one process, without database, rights, audit or HTTP; the
ratio is what the service around them costs. 100,000 found persons with one template each (random unit vectors,
seeded), SQLite, one caller, one probe after the other; the probe is a photograph that comes with scikit-image.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Callable

import faiss
import httpx2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from rich.progress import Progress

from api.accounts.policy import Role
from api.app import create_app
from api.cli.serve import serving
from api.gallery.matcher import Matcher, open_matcher
from benchmarks.frame import Options, Row, run_benchmark
from benchmarks.node import add_user, fill_gallery, temporary_node
from facematch import images

SEED = 20260301
FULL, QUICK = 100_000, 10_000
PROBES, WARM_UP = 60, 5
TARGET_P50_S = 0.5


def main() -> int:
    return run_benchmark("probe_latency", measure, about=__doc__ or "", arguments=_arguments)


def measure(options: Options, progress: Progress) -> list[Row]:
    """p50 and p95 of the service and of the bare parts, probes taken in turn."""
    size = options.templates or (QUICK if options.quick else FULL)
    jpeg = images.encode_jpeg(np.ascontiguousarray(_astronaut()[:, :, ::-1]))
    with temporary_node(embedded_worker=False, port=0, photos_per_person=1000) as node:
        registrar, _ = add_user(node, "shelter", Role.REGISTRAR, kind="shelter", region="330100")
        _, token = add_user(node, "police", Role.REQUESTER, kind="police", region="510100")
        vectors = _unit_vectors(size)
        bare = open_matcher(node)
        fill_gallery(node, registrar, contract=bare.contract, vectors=vectors, progress=progress)
        matcher = open_matcher(node, eye=bare.eye)
        flat = faiss.IndexFlatIP(vectors.shape[1])
        flat.add(vectors)
        with serving(create_app(node, matcher), node.settings) as address:
            client = httpx2.Client(base_url=address, headers={"authorization": f"Bearer {token}"}, timeout=60)
            ours, peers = _in_turn(_prober(client, jpeg), lambda: _directly(bare, flat, jpeg), progress)
    return _rows(ours, peers, size)


def _in_turn(
    ours: Callable[[], object], peer: Callable[[], object], progress: Progress
) -> tuple[list[float], list[float]]:
    """Both in alternation, so that a slow minute of the machine is slow for both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in progress.track(range(WARM_UP + PROBES), description="probing"):
        for call, kept in zip((ours, peer), seconds, strict=True):
            begun = time.perf_counter()
            call()
            if number >= WARM_UP:
                kept.append(time.perf_counter() - begun)
    return seconds


def _prober(client: httpx2.Client, jpeg: bytes) -> Callable[[], object]:
    person = {"name": "王秀兰", "sex": 2, "age_low": 40, "age_high": 50}
    report = _made(
        client.post("/v1/missing-reports", json={"persons": [person], "inquirer": "家属", "category": "other"})
    )
    body = {"purpose": "find_missing_person", "reason": "benchmark"}
    request = _made(client.post(f"/v1/cases/{report['id']}/requests", json=body))

    numbers = itertools.count()

    def probe() -> object:
        another = jpeg + next(numbers).to_bytes(4, "big")  # a picture brought twice would not be looked at again
        form = {"reason": "benchmark", "taken_on": "2026-01-01"}
        return _made(
            client.post(f"/v1/requests/{request['id']}/searches", files={"file": ("probe.jpg", another)}, data=form)
        )

    return probe


def _directly(matcher: Matcher, flat: faiss.IndexFlatIP, jpeg: bytes) -> object:
    _image, faces = matcher.eye.faces_in(jpeg)
    return flat.search(faces[0].templates[matcher.contract][None], 20)


def _rows(ours: list[float], peers: list[float], size: int) -> list[Row]:
    peer = "eye + FAISS flat in process"
    return [
        Row(
            measure=f"probe {name}, {size:,} templates",
            value=float(np.percentile(ours, percent)) * 1000,
            unit="ms",
            peer=peer,
            peer_value=float(np.percentile(peers, percent)) * 1000,
            target=TARGET_P50_S * 1000 if percent == 50 else None,
            better="lower",
        )
        for name, percent in (("p50", 50), ("p95", 95))
    ]


def _unit_vectors(size: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(SEED).standard_normal((size, 128), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _astronaut() -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    return image


def _made(response: httpx2.Response) -> dict[str, str]:
    response.raise_for_status()
    body: dict[str, str] = response.json()
    return body


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--templates", type=int, default=0, help="size of the gallery")


if __name__ == "__main__":
    sys.exit(main())
