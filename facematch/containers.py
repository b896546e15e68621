"""The boxes in which JPEG, PNG, WebP and HEIC pack a picture, walked one by one. It never judges what it finds."""

import re
import struct
import zlib
from collections.abc import Iterator

from facematch import errors

SOI, EOI, SOS, TEM = 0xD8, 0xD9, 0xDA, 0x01
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # what libjpeg stops at: neither stuffing, fill nor restart
_MAX_PIECES = 20_000  # segments or chunks in one file; libpng's 8 kB chunks make 2,500 of 20 MB


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(marker, where its 0xFF stands, payload), found as libjpeg does: to the next marker, over its length, on."""
    position = 2
    for _ in range(_MAX_PIECES):
        found = _MARKER.search(data, position)
        if found is None:
            return
        position = found.end()
        marker, payload = data[position - 1], b""
        if marker not in {SOI, EOI, TEM}:
            length = int.from_bytes(data[position : position + 2], "big")
            payload = data[position + 2 : position + length]
            position += length
            if length < 2 or position > len(data):
                raise errors.ImageDamaged(reason="segment")
        yield marker, found.start(), payload
    raise errors.ImageTooCostly(pieces=_MAX_PIECES)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, payload) up to IEND; a wrong checksum or a chunk that breaks off is ImageDamaged."""
    position = len(PNG_MAGIC)
    for _ in range(_MAX_PIECES):
        head = data[position : position + 8]
        if len(head) < 8 or head[4:] == b"IEND":
            return
        end = position + 12 + int.from_bytes(head[:4], "big")
        if end > len(data):
            raise errors.ImageDamaged(reason="chunk")
        if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise errors.ImageDamaged(reason="checksum")
        yield head[4:], data[position + 8 : end - 4]
        position = end
    raise errors.ImageTooCostly(pieces=_MAX_PIECES)


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    """One chunk as it stands in a file: length, kind, payload, checksum."""
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, payload) of the RIFF container (RFC 9649, 2.3)."""
    position = 12
    for _ in range(_MAX_PIECES):
        if position + 8 > len(data):
            return
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        yield data[position : position + 4], data[position + 8 : position + 8 + length]
        position += 8 + length + (length & 1)
    raise errors.ImageTooCostly(pieces=_MAX_PIECES)


def brands(data: bytes) -> set[bytes]:
    """Major and compatible brands of an ISO base media file that begins with its `ftyp` box."""
    end = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}


def orientation(tiff: bytes) -> int:
    """EXIF tag 0x0112 of the first directory; 1 where it is missing or makes no sense. No other tag is looked at."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, entry)
            if tag == 0x0112 and kind == 3:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
