"""An index on disk: whole or not there, and believed only with the key. It never loads what it cannot authenticate.

    header    4,096 bytes: magic, length of the stamp, the stamp as JSON, zeros, tag
    sections  up to 65,536 entries each: templates, persons, kinds, regions (int64), vectors (float32, row by row), tag

Little-endian throughout. A tag is the HMAC-SHA256 of every byte before it except earlier tags, so a section is proved
before it is used, and none can be changed, moved, or taken from another file; the stamp fixes the length. Every column
begins on a multiple of 32 bytes from the section's start, so that sections can be mapped as they lie.
"""

import fcntl
import hmac
import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from index.errors import OtherContract, SnapshotDamaged, StaleRevision
from index.factory import new_index
from index.types import Entry, VectorIndex

MAGIC = b"LHINDEX1"
HEADER = 4_096
TAG = 32
SECTION = 65_536  # entries


@dataclass(frozen=True, slots=True)
class _Header:
    contract: str
    revision: int
    count: int
    dimension: int

    @property
    def sections(self) -> list[int]:
        """Entries in each section."""
        return [min(SECTION, self.count - start) for start in range(0, self.count, SECTION)]

    @property
    def file_size(self) -> int:
        return HEADER + sum(self.section_size(entries) + TAG for entries in self.sections)

    def section_size(self, entries: int) -> int:
        return entries * (4 * 8 + self.dimension * 4)


def save(index: VectorIndex, path: Path, key: bytes) -> None:
    """Write `index` to `path` so that a crash leaves the old file or the new one, never a half.

    Savers of one folder wait for each other. OSError when the disk refuses: the old file stays. StaleRevision when
    the index was changed meanwhile (hold its writers off with `LiveIndex.writing`).
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    part = path.with_name(f".{path.name}.part")
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
                _write(index, file, key)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        os.fsync(folder)
    finally:
        os.close(folder)


def load(path: Path, key: bytes, *, contract: str, engine: str = "flat", device: str = "cpu") -> VectorIndex:
    """The index saved at `path`, on any engine.

    SnapshotDamaged when one bit differs from what `save` wrote with this key; OtherContract when it is true but of
    another contract than `contract`; FileNotFoundError when there is none.
    """
    with path.open("rb") as file:
        mac = hmac.new(key, digestmod="sha256")
        header = _read_header(file, mac)
        if os.fstat(file.fileno()).st_size != header.file_size:
            raise SnapshotDamaged(reason="size", expected=header.file_size)
        if header.contract != contract:
            raise OtherContract(expected=contract, got=header.contract)
        index = new_index(engine, contract, header.dimension, device=device)
        index.restore(_read_entries(file, mac, header), header.revision)
    return index


def _write(index: VectorIndex, file: BinaryIO, key: bytes) -> None:
    stamp = index.stamp
    header = _Header(stamp.contract, stamp.revision, stamp.count, index.dimension)
    mac = hmac.new(key, digestmod="sha256")
    words = json.dumps({name: getattr(header, name) for name in _Header.__slots__}).encode()
    content = MAGIC + struct.pack("<I", len(words)) + words
    _put(file, mac, [content.ljust(HEADER - TAG, b"\0")])
    entries = iter(index.entries())
    for size in header.sections:
        _put(file, mac, _columns(list(islice(entries, size)), header.dimension))
    if index.stamp != stamp or file.tell() != header.file_size:
        raise StaleRevision(expected=stamp.revision, got=index.stamp.revision)


def _columns(entries: list[Entry], dimension: int) -> list[bytes]:
    labels = np.array([(one.template, one.person, one.kind, one.region) for one in entries], "<i8").reshape(-1, 4)
    vectors = np.array([entry.vector for entry in entries], "<f4").reshape(-1, dimension)
    return [np.ascontiguousarray(labels.T).tobytes(), vectors.tobytes()]


def _put(file: BinaryIO, mac: "hmac.HMAC", pieces: list[bytes]) -> None:
    for piece in pieces:
        mac.update(piece)
        file.write(piece)
    file.write(mac.digest())


def _take(file: BinaryIO, mac: "hmac.HMAC", size: int) -> bytes:
    """The next `size` bytes, proved by the tag after them."""
    content = file.read(size)
    mac.update(content)
    if not hmac.compare_digest(mac.digest(), file.read(TAG)):
        raise SnapshotDamaged(reason="tag")
    return content


def _read_header(file: BinaryIO, mac: "hmac.HMAC") -> _Header:
    content = _take(file, mac, HEADER - TAG)
    if not content.startswith(MAGIC):
        raise SnapshotDamaged(reason="format")
    start = len(MAGIC) + 4
    (length,) = struct.unpack_from("<I", content, len(MAGIC))
    return _Header(**json.loads(content[start : start + length]))


def _read_entries(file: BinaryIO, mac: "hmac.HMAC", header: _Header) -> Iterator[Entry]:
    for size in header.sections:
        content = _take(file, mac, header.section_size(size))
        labels = np.frombuffer(content, "<i8", 4 * size).reshape(4, size).tolist()
        vectors = np.frombuffer(content, "<f4", offset=4 * 8 * size).reshape(size, header.dimension)
        for template, person, kind, region, vector in zip(*labels, vectors, strict=True):
            yield Entry(template, person, kind, region, vector)
