"""The gate before the decoder: what kind of picture bytes are and what decoding may cost. It never decodes a pixel.

What passes is also sieved: only the segments that carry the picture go to the decoder. Text, thumbnails, places, second
frames and whatever hangs behind the end of the picture stay outside.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum

from facematch import containers, errors


class Format(StrEnum):
    """The four kinds of picture that are let in, told by content alone."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    HEIC = "heic"


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What one picture may cost: bytes of the file, pixels, JPEG scans; seconds and bytes of memory while decoding."""

    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000
    max_scans: int = 64
    max_seconds: float = 3.0
    max_memory_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Header:
    """A picture that passed the gate: `body` is what the decoder may see, `orientation` is EXIF 1..8.

    `size` is width and height as a JPEG stores them, before it is turned upright; the other kinds leave it at 0.
    `inverted_inks` tells a CMYK JPEG of Adobe's kind, where 0 means full ink.
    """

    format: Format
    body: bytes
    orientation: int = 1
    size: tuple[int, int] = (0, 0)
    inverted_inks: bool = False

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height as the viewer sees them."""
        return self.size if self.orientation < 5 else (self.size[1], self.size[0])


# A scan of nothing costs 0.7 ms per million samples of its component, so 64 of them over 50 MP would cost 2.4 s before
# the picture itself. Real progressive files have about ten: 20 scans at 50 MP of colour, 64 at 15 MP leave them room.
_MAX_SCANNED_SAMPLES = 3_000_000_000
_MAX_PNG_BYTES = 160_000_000  # inflated: 2 s of unfiltering; true colour at 50 MP, with alpha at 40 MP
MAX_SIDE = 32_000  # OpenCV warps nothing with a side above 32,767

_APP1, _APP2, _ADOBE = 0xE1, 0xE2, 0xEE
_FRAMES = range(0xC0, 0xC3)  # baseline, extended, progressive: what cameras and phones write
_OTHER_FRAMES = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}  # lossless, hierarchical, arithmetic
_TABLES = frozenset({0xC4, 0xDB, 0xDD, 0xE0})  # Huffman, quantisation, restart interval, JFIF

_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # samples a pixel by colour type
_HEVC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})


def inspect(data: bytes, limits: ImageLimits) -> Header:
    """Look at picture bytes without decoding; raises NotAPicture, ImageTooLarge, ImageTooCostly or ImageDamaged."""
    if len(data) > limits.max_bytes:
        raise errors.ImageTooLarge(bytes=len(data), max_bytes=limits.max_bytes)
    if data.startswith(b"\xff\xd8\xff"):
        return _inspect_jpeg(data, limits)
    if data.startswith(containers.PNG_MAGIC):
        return _inspect_png(data, limits)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _inspect_webp(data, limits)
    if data[4:8] == b"ftyp" and not _HEVC.isdisjoint(containers.brands(data)):
        return Header(Format.HEIC, data)  # its cost is not in its header: the decoder is a process with limits
    raise errors.NotAPicture(bytes=len(data))


def check_size(width: int, height: int, *, limits: ImageLimits) -> None:
    """Refuse a picture of more pixels than the limits, or with a side that later rooms cannot handle."""
    if min(width, height) < 1:
        raise errors.ImageDamaged(reason="size", width=width, height=height)
    if width * height > limits.max_pixels or max(width, height) > MAX_SIDE:
        raise errors.ImageTooLarge(width=width, height=height, max_pixels=limits.max_pixels)


def _inspect_jpeg(data: bytes, limits: ImageLimits) -> Header:
    kept, orientation, adobe, scans, first_scan, end = [b"\xff\xd8"], 1, False, 0, 0, len(data)
    size, samples = (0, 0), 0
    for marker, start, payload in containers.jpeg_segments(data):
        if marker == containers.EOI:
            end = start + 2
            break
        if marker == containers.SOS:
            scans += 1
            first_scan = first_scan or start
            _check_scans(scans, samples, limits)
        elif marker in _OTHER_FRAMES:
            raise errors.ImageDamaged(reason="coding", marker=marker)
        elif marker in _FRAMES:
            frame, samples = _jpeg_frame(payload, limits)
            size = size if first_scan else frame
        elif marker == _APP1 and payload.startswith(b"Exif\0\0"):
            orientation = containers.orientation(payload[6:])
        adobe = adobe or (marker == _ADOBE and payload.startswith(b"Adobe"))
        if not first_scan and _carries_picture(marker, payload):
            kept.append(data[start : start + 4 + len(payload)])
    if not first_scan:
        raise errors.ImageDamaged(reason="no-scan")
    return Header(Format.JPEG, b"".join([*kept, data[first_scan:end]]), orientation, size, adobe)


def _carries_picture(marker: int, payload: bytes) -> bool:
    if marker == _APP2:
        return payload.startswith(b"ICC_PROFILE\0")
    if marker == _ADOBE:
        return payload.startswith(b"Adobe")
    return marker in _FRAMES or marker in _TABLES


def _check_scans(scans: int, samples: int, limits: ImageLimits) -> None:
    if scans > limits.max_scans or scans * samples > _MAX_SCANNED_SAMPLES:
        raise errors.ImageTooCostly(scans=scans, max_scans=limits.max_scans, samples=samples)


def _jpeg_frame(payload: bytes, limits: ImageLimits) -> tuple[tuple[int, int], int]:
    """Width and height, and how many samples all components have together."""
    if len(payload) < 6:
        raise errors.ImageDamaged(reason="frame")
    height, width, components = struct.unpack_from(">HHB", payload, 1)
    check_size(width, height, limits=limits)
    return (width, height), width * height * components


def _inspect_png(data: bytes, limits: ImageLimits) -> Header:
    kept, pixels, orientation, header = [containers.PNG_MAGIC], [], 1, b""
    for kind, payload in containers.png_chunks(data):
        if kind == b"IHDR" and not header:
            header = payload
            _check_png(header, limits)
            kept.append(containers.png_chunk(kind, payload))
        elif kind == b"IDAT":
            pixels.append(payload)
        elif kind == b"eXIf":
            orientation = containers.orientation(payload)
        elif kind == b"tRNS" and header:
            kept.append(containers.png_chunk(kind, _scaled_key(payload, depth=header[8], colour=header[9])))
        elif kind in {b"PLTE", b"iCCP"}:
            kept.append(containers.png_chunk(kind, payload))
    if not (header and pixels):
        raise errors.ImageDamaged(reason="no-pixels")
    kept += [containers.png_chunk(b"IDAT", b"".join(pixels)), containers.png_chunk(b"IEND", b"")]
    return Header(Format.PNG, b"".join(kept), orientation)


def _check_png(header: bytes, limits: ImageLimits) -> None:
    if len(header) != 13:
        raise errors.ImageDamaged(reason="header")
    width, height, depth, colour = struct.unpack_from(">IIBB", header)
    check_size(width, height, limits=limits)
    inflated = width * height * depth * _PNG_SAMPLES.get(colour, 4) // 8
    if inflated > _MAX_PNG_BYTES:
        raise errors.ImageTooCostly(inflated_bytes=inflated, max_inflated_bytes=_MAX_PNG_BYTES)


def _scaled_key(key: bytes, *, depth: int, colour: int) -> bytes:
    """The transparent colour of a grey or true-colour PNG in the eight bits in which Pillow compares it."""
    if colour == 2 and depth == 16:
        return b"".join(bytes([0, high]) for high in key[0:6:2])
    if colour == 0 and depth in (2, 4):
        return struct.pack(">H", (key[-1] if key else 0) * 255 // ((1 << depth) - 1) & 255)
    return key


def _inspect_webp(data: bytes, limits: ImageLimits) -> Header:
    orientation, sized = 1, False
    for kind, payload in containers.webp_chunks(data):
        size = None if sized else _webp_size(kind, payload)
        if size is not None:
            check_size(*size, limits=limits)
            sized = True
        elif kind == b"EXIF":
            orientation = containers.orientation(payload.removeprefix(b"Exif\0\0"))
    if not sized:
        raise errors.ImageDamaged(reason="no-pixels")
    return Header(Format.WEBP, data, orientation)


def _webp_size(kind: bytes, payload: bytes) -> tuple[int, int] | None:
    """Width and height as RFC 9649 lays them out in the extended, the lossless and the lossy header."""
    if kind == b"VP8X" and len(payload) >= 10:
        return int.from_bytes(payload[4:7], "little") + 1, int.from_bytes(payload[7:10], "little") + 1
    if kind == b"VP8L" and len(payload) >= 5:
        bits = int.from_bytes(payload[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(payload) >= 10:
        width, height = struct.unpack_from("<HH", payload, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None
