"""An index on disk: whole or not there, and believed only with the key. It never uses what it has not authenticated.

    header    4,096 bytes: magic, length of the words, the words as JSON (stamp, shape, a random number), zeros, tag
    sections  up to 32,768 entries each: labels, errors of the codes, codes, zeros; float32 vectors, zeros, tag

Little-endian throughout. The header's tag is the HMAC-SHA256 of all before it; a section's is that of the header's tag,
the section's number and all of the section before it. So no section can be changed, moved, or taken from another file;
the words fix the length of the file. Sections are proved by as many threads as search, and begin on pages: once proved,
full sections are used where they lie, in pages that processes share and that the system may put out of memory. Changes
go to pages of the process's own, never to the file.
"""

import fcntl
import hmac
import json
import mmap
import os
import secrets
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from index import labels
from index.codes import SPREAD
from index.errors import EngineUnavailable, OtherContract, SnapshotDamaged
from index.factory import new_index
from index.flat import FlatIndex
from index.store import BLOCK, Block, View
from index.turns import in_turns
from index.types import VectorIndex

MAGIC = b"LHINDEX2"
PAGE = 4_096
TAG = 32


@dataclass(frozen=True, slots=True)
class _Header:
    """What the words say. `spread` fixes the unit of the codes: with another the bound of the scan would be false."""

    contract: str
    revision: int
    count: int
    dimension: int
    spread: float
    number: str

    @property
    def sections(self) -> list[int]:
        """Entries in each section."""
        return [min(BLOCK, self.count - start) for start in range(0, self.count, BLOCK)]

    @property
    def file_size(self) -> int:
        return PAGE + sum(map(self.section_size, self.sections))

    def vectors_at(self, entries: int) -> int:
        """Where the vectors begin in a section."""
        return _whole_pages(entries * (labels.BYTES + 4 + self.dimension))

    def section_size(self, entries: int) -> int:
        return _whole_pages(self.vectors_at(entries) + entries * self.dimension * 4 + TAG)


def save(index: VectorIndex, path: Path, key: bytes) -> None:
    """Write the present state of an index to `path` so that a crash leaves the old file or the new one, never a half.

    Savers of one folder wait for each other. OSError when the disk refuses: the old file stays. EngineUnavailable for
    an index that does not lie in this process.
    """
    if not isinstance(index, FlatIndex):
        raise EngineUnavailable(engine=type(index).__name__)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    part = path.with_name(f".{path.name}.part")
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
                _write(index.view, index.dimension, file=file, key=key)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        os.fsync(folder)
    finally:
        os.close(folder)


def load(
    path: Path, key: bytes, *, contract: str, engine: str = "flat", device: str = "cpu", folder: Path | None = None
) -> VectorIndex:
    """The index saved at `path`; what is added later lies in memory, or with a `folder` in files there.

    SnapshotDamaged when one bit differs from what `save` wrote with this key; OtherContract when it is true but of
    another contract than `contract`; FileNotFoundError when there is none; EngineUnavailable.
    """
    with path.open("rb") as file:
        header, tag = _read_header(file.read(PAGE), key)
        if os.fstat(file.fileno()).st_size != header.file_size:
            raise SnapshotDamaged(reason="size", expected=header.file_size)
        if header.contract != contract:
            raise OtherContract(expected=contract, got=header.contract)
        index = new_index(engine, contract, header.dimension, device=device, folder=folder)
        if not isinstance(index, FlatIndex):
            raise EngineUnavailable(engine=engine, device=device)
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    reader = _Reader(header, key, tag, folder)
    blocks = in_turns(lambda one: reader.block(*one), list(enumerate(_cut(content[PAGE:], header))))
    index.adopt(blocks, header.count, revision=header.revision)
    return index


@dataclass(frozen=True, slots=True)
class _Reader:
    """Makes blocks of sections."""

    header: _Header
    key: bytes
    tag: bytes
    folder: Path | None

    def block(self, number: int, section: memoryview) -> Block:
        """The block of one section, after its proof."""
        mac = _section_mac(self.key, self.tag, number)
        mac.update(section[:-TAG])
        if not hmac.compare_digest(mac.digest(), section[-TAG:]):
            raise SnapshotDamaged(reason="tag", section=number)
        entries, dimension = self.header.sections[number], self.header.dimension
        start = self.header.vectors_at(entries)
        vectors = np.frombuffer(section, "<f4", entries * dimension, start).reshape(entries, dimension)
        if entries == BLOCK:
            block = Block.empty(dimension, vectors=vectors)
        else:
            block = Block.empty(dimension, folder=self.folder)
            block.vectors[:entries] = vectors
        offset = 0
        for column in _columns(block, entries):
            column[:] = np.frombuffer(section, column.dtype, column.size, offset).reshape(column.shape)
            offset += column.nbytes
        return block


def _write(view: View, dimension: int, *, file: BinaryIO, key: bytes) -> None:
    stamp = view.stamp
    header = _Header(stamp.contract, stamp.revision, stamp.count, dimension, SPREAD, secrets.token_hex(16))
    words = json.dumps(asdict(header)).encode()
    content = (MAGIC + struct.pack("<I", len(words)) + words).ljust(PAGE - TAG, b"\0")
    tag = hmac.digest(key, content, "sha256")
    file.write(content + tag)
    for number, block in enumerate(_filled(view, header)):
        entries = header.sections[number]
        mac, size = _section_mac(key, tag, number), 0
        for piece in _pieces(block, header, entries):
            mac.update(piece)
            size += file.write(piece)
        file.write(mac.digest())


def _filled(view: View, header: _Header) -> Iterator[Block]:
    """One block after the other, all full but the last, in room that is used again."""
    block, used = Block.empty(header.dimension), 0
    for rows in view.rows():
        start = 0
        while start < len(rows.vectors):
            some = slice(start, start + min(BLOCK - used, len(rows.vectors) - start))
            count = some.stop - start
            block.write(np.arange(used, used + count), rows.at(some))
            used, start = used + count, some.stop
            if used == BLOCK:
                yield block
                used = 0
    if used:
        yield block


def _pieces(block: Block, header: _Header, entries: int) -> Iterator[bytes | memoryview]:
    """All of a section but its tag."""
    columns = [np.ascontiguousarray(column) for column in _columns(block, entries)]
    yield from (column.data.cast("B") for column in columns)
    yield bytes(header.vectors_at(entries) - sum(column.nbytes for column in columns))
    yield block.vectors[:entries].data.cast("B")
    vectors_end = header.vectors_at(entries) + entries * header.dimension * 4
    yield bytes(header.section_size(entries) - vectors_end - TAG)


def _columns(block: Block, entries: int) -> Iterator[NDArray[np.generic]]:
    for column in (*block.labels.columns(), block.errors, block.codes):
        yield column[:entries]


def _cut(content: memoryview, header: _Header) -> Iterator[memoryview]:
    start = 0
    for entries in header.sections:
        size = header.section_size(entries)
        yield content[start : start + size]
        start += size


def _section_mac(key: bytes, tag: bytes, number: int) -> "hmac.HMAC":
    return hmac.new(key, tag + struct.pack("<Q", number), digestmod="sha256")


def _read_header(content: bytes, key: bytes) -> tuple[_Header, bytes]:
    words, tag = content[:-TAG], content[-TAG:]
    if len(content) != PAGE or not hmac.compare_digest(hmac.digest(key, words, "sha256"), tag):
        raise SnapshotDamaged(reason="tag")
    start = len(MAGIC) + 4
    (length,) = struct.unpack_from("<I", words, len(MAGIC))
    if not words.startswith(MAGIC):
        raise SnapshotDamaged(reason="format")
    header = _Header(**json.loads(words[start : start + length]))
    if header.spread != SPREAD:
        raise SnapshotDamaged(reason="format")
    return header, tag


def _whole_pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
