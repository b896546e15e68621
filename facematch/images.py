"""Pictures in and out: bytes become upright pixels, and pixels become JPEG without metadata. It never keeps a byte of
the original: what is stored or served was decoded and encoded anew, so places, names and hidden files stay behind.

Everything here may be called from many threads; as many pictures as there are cores are decoded at once. One picture at
the limits takes up to 2 s and 0.8 GiB.
"""

import os
import threading
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from facematch import errors, headers
from facematch.decode import decode
from facematch.headers import ImageLimits
from facematch.types import BgrImage, Box

__all__ = ["CleanImage", "ImageLimits", "clean", "cut", "degrade", "encode_jpeg", "face_picture", "read", "scaled"]

_LIMITS = ImageLimits()

# A picture at the limits takes up to 0.8 GiB while it is decoded; strangers may send many at once.
DECODING = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


@dataclass(frozen=True, slots=True)
class CleanImage:
    """A picture fit for storing: JPEG without metadata, its width and height in pixels."""

    jpeg: bytes
    width: int
    height: int


def read(data: bytes, *, limits: ImageLimits = _LIMITS) -> BgrImage:
    """Turn picture bytes into pixels: (H, W, 3) uint8 BGR, upright, C-contiguous, in sRGB, over neutral grey.

    Only JPEG, PNG, WebP and HEIC by their content, and of each only the first frame.
    Raises NotAPicture, ImageTooLarge, ImageTooCostly or ImageDamaged.
    """
    header = headers.inspect(data, limits)
    with DECODING:
        return decode(header, limits)


def clean(data: bytes, *, limits: ImageLimits = _LIMITS) -> CleanImage:
    """Read a picture and encode it anew for storing, as finely as its own gate lets it in again; raises as `read`."""
    image = read(data, limits=limits)
    height, width = image.shape[:2]
    for quality, subsampling in ((95, 0), (90, 2), (75, 2), (50, 2)):
        jpeg = _jpeg(image, quality=quality, subsampling=subsampling)
        if len(jpeg) <= limits.max_bytes:
            return CleanImage(jpeg, width, height)
    raise errors.ImageTooLarge(bytes=len(jpeg), max_bytes=limits.max_bytes)


def encode_jpeg(image: BgrImage, *, quality: int = 90, max_side: int | None = None) -> bytes:
    """JPEG bytes without metadata; the longer side is brought down to `max_side` pixels, never up."""
    return _jpeg(_shrunk(image, max_side), quality=quality, subsampling=2)


def cut(image: BgrImage, box: Box, *, margin: float) -> BgrImage:
    """The part of the image under the box, widened on each side by `margin` times the box's own sides.

    Returns (h, w, 3) uint8 of at least one pixel; what lies beyond the border is left out. ValueError where box and
    image do not meet.
    """
    left, top = box.x - margin * box.width, box.y - margin * box.height
    right, bottom = box.x + (1 + margin) * box.width, box.y + (1 + margin) * box.height
    x1, y1 = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
    part = image[y1 : max(0, int(np.ceil(bottom))), x1 : max(0, int(np.ceil(right)))]
    if part.size == 0:
        raise ValueError("the box lies outside the image")
    return np.ascontiguousarray(part)


def face_picture(jpeg: bytes, box: Box, *, max_side: int) -> bytes:
    """One face of a stored picture with some hair and chin around it, as JPEG; raises ImageDamaged."""
    return encode_jpeg(cut(read(jpeg), box, margin=0.35), max_side=max_side)


def scaled(jpeg: bytes, *, max_side: int) -> bytes:
    """A stored JPEG with its longer side brought down to `max_side` pixels, never up; raises ImageDamaged."""
    try:
        picture = JpegImageFile(BytesIO(jpeg))
        picture.draft("RGB", (2 * max_side, 2 * max_side))  # libjpeg then decodes at a half, a quarter or an eighth
        colours = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as broken:
        raise errors.ImageDamaged(format="jpeg") from broken
    return encode_jpeg(np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2BGR), np.uint8), max_side=max_side)


def degrade(jpeg: bytes, *, scale: float, brightness: float, jpeg_quality: int, turn_degrees: float) -> bytes:
    """A later, worse shot of the same scene: smaller, darker, turned in its plane (clockwise), compressed harder.

    `scale` and `brightness` are factors in 0..1; raises ImageDamaged.
    """
    image = read(jpeg)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -turn_degrees, 1.0)
    turned = cv2.warpAffine(small, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    darker = cv2.convertScaleAbs(turned, alpha=brightness)
    return encode_jpeg(np.asarray(darker, np.uint8), quality=jpeg_quality)


def _shrunk(image: BgrImage, max_side: int | None) -> BgrImage:
    height, width = image.shape[:2]
    if max_side is None or max(height, width) <= max_side:
        return image
    factor = max_side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(image: BgrImage, *, quality: int, subsampling: int) -> bytes:
    height, width = image.shape[:2]
    picture = Image.frombytes("RGB", (width, height), np.ascontiguousarray(image).tobytes(), "raw", "BGR")
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()
