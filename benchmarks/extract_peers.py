"""The libraries that extraction is held against, as their own examples use them, and the bare networks. Nothing here
runs in the service.

The limit replays what our path fed to its networks: the same arrays into the same sessions, and nothing around them.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.frame import CannotMeasure
from facematch.bundle import default_weights_dir
from facematch.extractor import Extractor

CORES = len(os.sched_getaffinity(0))
LARGEST_SIDE = 1280  # pixels at which OpenCV's detector sees a large photo
CROP = 112
BATCHES = (1, 8)  # crops a run, of which the faster counts

Look = Callable[[bytes], int]  # a picture's bytes to the number of faces that got a template
Fed = tuple[onnxruntime.InferenceSession, dict[str, NDArray[np.float32]]]


def peer_of(bundle: str, folder: Path, *, threads: int) -> tuple[str, Look]:
    """Name and path of the library that reads the same published weights. Raises CannotMeasure where there is none."""
    if bundle == "buffalo_sc":
        return "insightface FaceAnalysis", _face_analysis(folder, threads)
    if bundle == "opencv-zoo":
        return "OpenCV FaceDetectorYN + FaceRecognizerSF", _opencv_pair(threads)
    raise CannotMeasure(f"No library is known that reads the weights of {bundle}.")


def _face_analysis(folder: Path, threads: int) -> Look:
    """FaceAnalysis.get with one pass of 640, its usual setting, on the files as they were published."""
    try:
        from insightface.app import FaceAnalysis
    except ImportError:
        raise CannotMeasure("Install insightface to compare with it: the locks hold it.") from None
    warnings.filterwarnings("ignore", ".estimate. is deprecated", FutureWarning)
    weights = default_weights_dir() / "buffalo_sc"
    published = {
        "det_500m.onnx": weights / "scrfd_500m_bnkps.onnx",
        "w600k_mbf.onnx": weights / "published/w600k_mbf.onnx",
    }
    folder.mkdir()
    for name, path in published.items():
        if not path.is_file():
            raise CannotMeasure("Fetch the weights first: lighthouse models fetch buffalo_sc")
        (folder / name).symlink_to(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    app = FaceAnalysis(str(folder), providers=["CPUExecutionProvider"], sess_options=options)
    app.prepare(ctx_id=-1, det_size=(640, 640))
    return lambda data: len(app.get(_decoded(data)))


def _opencv_pair(threads: int) -> Look:
    """Both classes as in OpenCV's example; a large photo is brought down first, or its large faces would be missed."""
    published = default_weights_dir() / "opencv-zoo" / "published"
    files = [str(path) for path in sorted(published.glob("*.onnx"))]
    if len(files) != 2:
        raise CannotMeasure("Fetch the weights first: lighthouse models fetch opencv-zoo")
    cv2.setNumThreads(threads)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # it warns about its own new engine
    detector: Any = cv2.FaceDetectorYN.create(files[0], "", (320, 320), 0.7, 0.3, 5000)
    recogniser: Any = cv2.FaceRecognizerSF.create(files[1], "")

    def look(data: bytes) -> int:
        image = _brought_down(_decoded(data))
        detector.setInputSize((image.shape[1], image.shape[0]))
        rows = detector.detect(image)[1]
        templates = [recogniser.feature(recogniser.alignCrop(image, row)) for row in ([] if rows is None else rows)]
        return len(templates)

    return look


def _decoded(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def _brought_down(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = LARGEST_SIDE / max(image.shape[:2])
    return image if scale >= 1 else np.asarray(cv2.resize(image, None, fx=scale, fy=scale), np.uint8)


@contextmanager
def listening() -> Iterator[list[Fed]]:
    """Notes every run of every network of this process, with what it was fed."""
    fed: list[Fed] = []
    run = onnxruntime.InferenceSession.run

    def noting(self: onnxruntime.InferenceSession, names: Any, feeds: Any, options: Any = None) -> Any:
        fed.append((self, feeds))
        return run(self, names, feeds, options)

    onnxruntime.InferenceSession.run = noting
    try:
        yield fed
    finally:
        onnxruntime.InferenceSession.run = run


def feeds_of(eye: Extractor, pictures: Sequence[bytes]) -> list[list[Fed]]:
    """What the eye feeds to its networks for each picture."""
    every = []
    for data in pictures:
        with listening() as fed:
            eye.faces_in(data)
        every.append(fed)
    return every


def replay(every: Sequence[Sequence[Fed]], *, threads: int) -> None:
    """Run the networks on what they were fed, as many pictures at once as there are threads."""
    if threads == 1:
        for fed in every:
            _run(fed)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(_run, every))


def gathered(every: Sequence[Sequence[Fed]], *, batch: int) -> list[list[Fed]]:
    """The same feeds with the crops of all pictures in batches of this size."""
    passes = [[one for one in fed if not _is_crops(one)] for fed in every]
    crops = [one for fed in every for one in fed if _is_crops(one)]
    if not crops:
        return passes
    session, (name,) = crops[0][0], crops[0][1]
    stacked = np.concatenate([feeds[name] for _, feeds in crops])
    batches = [[(session, {name: stacked[at : at + batch]})] for at in range(0, len(stacked), batch)]
    return passes + batches


def _run(fed: Sequence[Fed]) -> None:
    for session, feeds in fed:
        session.run(None, feeds)


def _is_crops(one: Fed) -> bool:
    return all(array.shape[2:] == (CROP, CROP) for array in one[1].values())
