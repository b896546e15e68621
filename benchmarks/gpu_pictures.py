"""Part of benchmarks.gpu: from picture bytes to templates, as the import does it, beside insightface's FaceAnalysis.

Pictures a second with one process of many threads and with several processes that share the card, beside decoding alone
and beside the peer on the same card, weights, pictures and machine. FaceAnalysis judges no quality and looks once.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from benchmarks.gpu_part import Target, emit, present_bundles, run_part
from benchmarks.gpu_samples import samples
from facematch import images
from facematch.bundle import Bundle, default_models_dir, default_weights_dir
from facematch.extractor import Extractor, open_extractor
from facematch.pipeline import extract_many

CORES = len(os.sched_getaffinity(0))
THREADS = 2 * CORES  # so that as many can wait for the card as can decode
PROCESSES = 4  # each with its share of the threads: Python runs one thread of a process at a time
TIMES_PEER = 10.0


def measure(target: Target) -> None:
    pictures = samples(target.size(2000, 4))
    decoding = _rate(pictures, _decode_all)
    emit(measure="decoding alone, all cores", value=decoding, unit="pictures/s")
    bundles = sorted(present_bundles(), key=lambda bundle: bundle.detector.family != "scrfd")  # those with a peer first
    for bundle in bundles[: target.size(2, 1)]:
        peer = _peer(bundle, pictures[: target.size(300, 2)], target)
        alone = _one_process(bundle.name, pictures, target)
        several = _processes(bundle.name, pictures, target)
        for words, rate in (("1 process", alone), (f"{target.size(PROCESSES, 2)} processes", several)):
            best = rate == max(alone, several)
            emit(
                measure=f"{bundle.name}, {words}",
                value=rate,
                unit="pictures/s",
                peer="insightface FaceAnalysis" if peer else None,
                peer_value=peer,
                limit=decoding,
                target=TIMES_PEER * peer if peer and best else None,
            )


def _rate(pictures: list[bytes], work: Callable[[list[bytes]], None]) -> float:
    begun = time.perf_counter()
    work(pictures)
    return len(pictures) / (time.perf_counter() - begun)


def _decode_all(pictures: list[bytes]) -> None:
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(images.read, pictures))


def _one_process(name: str, pictures: list[bytes], target: Target) -> float:
    eye = _opened(name, target.device if not target.rehearse else "cpu")
    _extract(eye, pictures[:THREADS], THREADS)
    return _rate(pictures, lambda all_of_them: _extract(eye, all_of_them, THREADS))


def _processes(name: str, pictures: list[bytes], target: Target) -> float:
    """Every process opens its own eye first; the clock runs from when all are ready."""
    count = target.size(PROCESSES, 2)
    device = target.device if not target.rehearse else "cpu"
    context = multiprocessing.get_context("spawn")
    meeting = context.Barrier(count + 1)
    with ProcessPoolExecutor(count, context, _enter, (name, device, meeting)) as pool:
        asked = [pool.submit(_share, pictures[place::count]) for place in range(count)]
        meeting.wait()
        begun = time.perf_counter()
        for one in asked:
            one.result()
        return len(pictures) / (time.perf_counter() - begun)


_OWN: dict[str, Extractor] = {}  # of a child process, which has one eye


def _enter(name: str, device: str, meeting: "multiprocessing.synchronize.Barrier") -> None:
    _OWN["eye"] = _opened(name, device)
    meeting.wait()


def _share(pictures: list[bytes]) -> None:
    _extract(_OWN["eye"], pictures, max(1, THREADS // PROCESSES))


def _extract(eye: Extractor, pictures: list[bytes], workers: int) -> None:
    for _ in extract_many(eye, enumerate(pictures), workers=workers):
        pass


def _opened(name: str, device: str) -> Extractor:
    return open_extractor(
        name, models_dir=default_models_dir(), weights_dir=default_weights_dir(), device=device, threads=1
    )


def _peer(bundle: Bundle, pictures: list[bytes], target: Target) -> float | None:
    """Pictures a second of FaceAnalysis on the published files; None for weights that it does not read."""
    if bundle.detector.family != "scrfd":
        return None
    from insightface.app import FaceAnalysis  # takes seconds to import

    provider = "CPUExecutionProvider" if target.rehearse else "CUDAExecutionProvider"
    options = [{}] if target.rehearse else [{"device_id": target.number}]
    with tempfile.TemporaryDirectory() as scratch:
        for place, file in enumerate((bundle.detector.file, bundle.recogniser.file)):
            (Path(scratch) / f"{place}.onnx").symlink_to(_published(bundle.name, file))
        app = FaceAnalysis(scratch, providers=[provider], provider_options=options)
        app.prepare(ctx_id=-1 if target.rehearse else target.number, det_size=(640, 640))

        def look(some: list[bytes]) -> None:
            for data in some:
                app.get(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))

        look(pictures[:2])
        return _rate(pictures, look)


def _published(bundle: str, file: str) -> Path:
    folder = default_weights_dir() / bundle
    published = folder / "published" / file
    return published if published.is_file() else folder / file


if __name__ == "__main__":
    run_part(measure, __doc__ or "")
