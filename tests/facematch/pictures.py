"""Pictures made by hand: one face in every coat a file can wear, and the files that are known to hurt."""

import io
import struct
import zlib

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image
from skimage import data

Rgb = NDArray[np.uint8]

# How a viewer must turn what is stored to see it upright (EXIF 1..8), undone here to store it.
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def astronaut(side: int = 256) -> Rgb:
    """The face, (side, side, 3) RGB; the picture is in the public domain (NASA)."""
    picture = Image.fromarray(data.astronaut()).resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def heic(*, turned: bool = False) -> bytes:
    """The face at 128 x 128; `turned` is stored on its side, with an irot box that sets it upright."""
    picture = Image.fromarray(astronaut(128))
    options: dict[str, object] = {"quality": 95, "chroma": 444}
    if turned:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
        options["exif"] = exif(6)
    buffer = io.BytesIO()
    pillow_heif.from_pillow(picture).save(buffer, **options)
    return buffer.getvalue()


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(rgb: Rgb, **options: object) -> bytes:
    return encoded(Image.fromarray(rgb), "JPEG", **{"quality": 95, "subsampling": 0, **options})


def exif(orientation: int, *, with_place: bool = False) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    if with_place:
        tags[0x010F] = "CANARY-CAMERA"
        tags[0x8825] = {1: "N", 2: (30.0, 15.0, 1.0), 29: "CANARY-PLACE"}
    return tags.tobytes()


def turned_jpeg(rgb: Rgb, orientation: int) -> bytes:
    """Stored as EXIF orientation 1..8 says, so that a viewer who obeys sees `rgb`."""
    picture, turn = Image.fromarray(rgb), _STORED[orientation]
    stored = picture if turn is None else picture.transpose(turn)
    return encoded(stored, "JPEG", quality=95, subsampling=0, exif=exif(orientation))


def cmyk_jpeg(rgb: Rgb, *, adobe: bool) -> bytes:
    """CMYK; Adobe's kind stores the inks inverted and says so in APP14, the plain kind does neither."""
    inks = Image.fromarray(rgb).convert("CMYK")
    if adobe:
        return encoded(inks, "JPEG", quality=97)
    inverted = Image.merge("CMYK", [band.point(lambda ink: 255 - ink) for band in inks.split()])
    stored = encoded(inverted, "JPEG", quality=97)
    start = stored.index(b"\xff\xee")
    return stored[:start] + stored[start + 2 + int.from_bytes(stored[start + 2 : start + 4], "big") :]


def chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def png(size: tuple[int, int], *, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG of any depth and colour type from its raw rows, each with its filter byte."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_png(samples: NDArray[np.uint16], *, extra: bytes = b"") -> bytes:
    """A 16-bit PNG of (H, W) grey, (H, W, 3) colour or (H, W, 4) colour with alpha."""
    height, width = samples.shape[:2]
    colour = {2: 0, 3: 2, 4: 6}[samples.ndim if samples.ndim == 2 else samples.shape[2]]
    wide = samples.astype(">u2").reshape(height, -1)
    rows = b"".join(b"\0" + row.tobytes() for row in wide)
    return png((width, height), depth=16, colour=colour, rows=rows, extra=extra)


def scan_bomb(side: int, scans: int) -> bytes:
    """A progressive JPEG with `scans` further scans of no content: few bytes, much decoding."""
    plain = encoded(Image.new("L", (side, side), 77), "JPEG", progressive=True)
    table = b"\xff\xc4" + struct.pack(">H", 21) + b"\x10" + bytes([1, 1] + [0] * 14) + b"\xe0\x00"
    runs = ((side + 7) // 8) ** 2 // 32767 + 1  # one code of 15 bits says "32,767 empty blocks"
    bits = "011111111111111" * runs
    bits += "1" * (-len(bits) % 8)
    body = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    scan = b"\xff\xda" + struct.pack(">H", 8) + bytes([1, 1, 0, 1, 63, 0]) + body
    return plain[:-2] + table + scan * scans + b"\xff\xd9"


HEIC, HEIC_TURNED = heic(), heic(turned=True)
