"""Templates kept between runs on the same pictures, so that nothing is embedded twice. It never keeps a picture.

A shelf belongs to one contract, one set of detector settings, and the code and libraries that made the templates; where
any of them changes another shelf is begun. Templates are as sensitive as faces: delete the folder when done.
"""

import hashlib
import json
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import facematch
from facematch.extractor import Extractor

WRITTEN_EVERY = 1000  # pictures
LIBRARIES = ("numpy", "opencv-python-headless", "pillow")


Seen = tuple[NDArray[np.float32], NDArray[np.float32]]  # template (d,) and landmarks (5, 2); zeros where no face is


class Shelf:
    """What is known about pictures, by the SHA-256 of their bytes."""

    def __init__(self, folder: Path, extractor: Extractor) -> None:
        self.path = folder / f"{extractor.bundle.name}-{_maker(extractor)}.npz"
        self._known: dict[bytes, Seen] = {}
        self._fresh = 0
        if self.path.is_file():
            with np.load(self.path, allow_pickle=False) as kept:
                rows = zip(kept["digests"], kept["templates"], kept["landmarks"], strict=True)
                self._known = {digest.tobytes(): (template, landmarks) for digest, template, landmarks in rows}

    def __contains__(self, data: bytes) -> bool:
        return _digest(data) in self._known

    def __getitem__(self, data: bytes) -> Seen:
        return self._known[_digest(data)]

    def put(self, data: bytes, seen: Seen) -> None:
        """Learn about a picture; written to disk now and then, and by `close`."""
        self._known[_digest(data)] = seen
        self._fresh += 1
        if self._fresh >= WRITTEN_EVERY:
            self.close()

    def close(self) -> None:
        """Write what was learnt, whole or not at all."""
        if not self._fresh:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        digests = np.frombuffer(b"".join(self._known), np.uint8).reshape(-1, 32)
        templates, landmarks = (np.stack(column) for column in zip(*self._known.values(), strict=True))
        fresh = self.path.with_suffix(".fresh.npz")
        np.savez(fresh, digests=digests, templates=templates, landmarks=landmarks)
        fresh.replace(self.path)
        self._fresh = 0


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _maker(extractor: Extractor) -> str:
    """Sixteen hex digits over all that decides what template a picture gets."""
    detector = extractor.bundle.detector
    sources = sorted(Path(path) for folder in facematch.__path__ for path in Path(folder).glob("*.py"))
    facts = {
        "contract": extractor.contract,
        "detector": [*detector.sides, detector.confidence, detector.overlap],
        "code": [hashlib.sha256(source.read_bytes()).hexdigest() for source in sources],
        "libraries": [_version(name) for name in (*LIBRARIES, "onnxruntime", "onnxruntime-gpu")],
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "absent"
