"""Pictures in and out: bytes become upright pixels, and pixels become JPEG without metadata. It never keeps a byte of
the original: what is stored or served was decoded and encoded anew, so places, names and hidden files stay behind.

Everything here may be called from many threads; as many pictures as there are cores are decoded at once. One picture at
the limits takes up to 2 s and 0.8 GiB. Whoever needs both a picture's faces and the JPEG to store opens it once with
`open_picture` and decodes it once: `Picture.clean` and an extractor's `faces_of` share the pixels.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Union

import cv2
import numpy as np

from facematch import errors, headers
from facematch.decode import decode
from facematch.headers import Format, ImageLimits
from facematch.types import BgrImage, Box

__all__ = [
    "CleanImage",
    "ImageLimits",
    "Picture",
    "clean",
    "cut",
    "degrade",
    "encode_jpeg",
    "face_picture",
    "open_picture",
    "read",
    "scaled",
]

_LIMITS = ImageLimits()
SHRINKS = (8, 4, 2, 1)  # what libjpeg decodes at for less: it leaves out the finest waves of each block
FULL_COLOUR, HALF_COLOUR = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
_MARGIN = 0.35  # of a face's box on each side, for hair and chin

# A picture at the limits takes up to 0.8 GiB while it is decoded; strangers may send many at once.
DECODING = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


@dataclass(frozen=True, slots=True)
class CleanImage:
    """A picture fit for storing: JPEG without metadata, its width and height in pixels."""

    jpeg: bytes
    width: int
    height: int


class Picture:
    """A picture that passed the gate: decoded when somebody asks, and only as finely as asked.

    `width` and `height` are those of the whole upright picture, whatever was decoded so far. One thread at a time.
    """

    def __init__(self, width: int, height: int, decode_at: Callable[[int], BgrImage], limits: ImageLimits) -> None:
        self.width, self.height, self.limits = width, height, limits
        self._decode_at = decode_at
        self._views: dict[int, BgrImage] = {}

    @classmethod
    def of(cls, image: Union["Picture", BgrImage]) -> "Picture":
        """Pixels (H, W, 3) uint8 that were decoded elsewhere; a Picture is given back as it is."""
        if isinstance(image, Picture):
            return image
        picture = cls(image.shape[1], image.shape[0], lambda _: image, _LIMITS)
        picture._views[1] = image
        return picture

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the whole picture."""
        return self.height, self.width, 3

    def pixels(self) -> BgrImage:
        """The whole picture as `read` gives it; raises as `view`."""
        return self.view(1)

    def view(self, shrink: int) -> BgrImage:
        """The picture at one `shrink`-th of its size: every pixel the mean of `shrink` x `shrink`.

        `shrink` is one of SHRINKS and no larger than the shorter side. Coordinates in the view times `shrink` are those
        in the whole picture; a last row or column that is not whole may be missing. Raises ImageDamaged, ImageTooLarge
        or ImageTooCostly.
        """
        if shrink not in self._views:
            finer = [known for known in self._views if known < shrink]
            if finer:
                self._views[shrink] = _averaged(self._views[max(finer)], shrink // max(finer))
            else:
                with DECODING:
                    self._views[shrink] = self._decode_at(shrink)
        return self._views[shrink]

    def shrink_for(self, side: float) -> int:
        """The coarsest of SHRINKS that leaves the longer side at least `side` pixels, and the shorter one at least one;
        1 where the picture is smaller.
        """
        shorter, longer = sorted((self.width, self.height))
        return next((shrink for shrink in SHRINKS if longer >= shrink * side and shorter >= shrink), 1)

    def clean(self) -> CleanImage:
        """The picture encoded anew for storing, as finely as its own gate lets it in again; raises as `view`."""
        image = self.pixels()
        for quality, sampling in ((95, FULL_COLOUR), (90, HALF_COLOUR), (75, HALF_COLOUR), (50, HALF_COLOUR)):
            jpeg = _jpeg(image, quality=quality, sampling=sampling)
            if len(jpeg) <= self.limits.max_bytes:
                return CleanImage(jpeg, self.width, self.height)
        raise errors.ImageTooLarge(bytes=len(jpeg), max_bytes=self.limits.max_bytes)


def open_picture(data: bytes, *, limits: ImageLimits = _LIMITS) -> Picture:
    """Let a picture in: JPEG, PNG, WebP or HEIC by its content, and of each only the first frame.

    A JPEG is decoded later, at the scale that is asked for, and may then still turn out to be damaged; the others are
    decoded at once. Raises NotAPicture, ImageTooLarge, ImageTooCostly or ImageDamaged.
    """
    header = headers.inspect(data, limits)
    if header.format is Format.JPEG:
        width, height = header.upright_size
        return Picture(width, height, lambda shrink: decode(header, limits, shrink=shrink), limits)
    with DECODING:
        image = decode(header, limits)
    picture = Picture.of(image)
    picture.limits = limits
    return picture


def read(data: bytes, *, limits: ImageLimits = _LIMITS) -> BgrImage:
    """Turn picture bytes into pixels: (H, W, 3) uint8 BGR, upright, C-contiguous, in sRGB, over neutral grey.

    Only JPEG, PNG, WebP and HEIC by their content, and of each only the first frame.
    Raises NotAPicture, ImageTooLarge, ImageTooCostly or ImageDamaged.
    """
    return open_picture(data, limits=limits).pixels()


def clean(data: bytes, *, limits: ImageLimits = _LIMITS) -> CleanImage:
    """Read a picture and encode it anew for storing; raises as `read`."""
    return open_picture(data, limits=limits).clean()


def encode_jpeg(image: BgrImage, *, quality: int = 90, max_side: int | None = None) -> bytes:
    """JPEG bytes without metadata; the longer side is brought down to `max_side` pixels, never up."""
    return _jpeg(_shrunk(image, max_side), quality=quality, sampling=HALF_COLOUR)


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
    picture = open_picture(jpeg)
    shown = (1 + 2 * _MARGIN) * max(box.width, box.height, 1)
    shrink = picture.shrink_for(2 * max_side * max(picture.width, picture.height) / shown)
    part = Box(box.x / shrink, box.y / shrink, box.width / shrink, box.height / shrink)
    return encode_jpeg(cut(picture.view(shrink), part, margin=_MARGIN), max_side=max_side)


def scaled(jpeg: bytes, *, max_side: int) -> bytes:
    """A stored JPEG with its longer side brought down to `max_side` pixels, never up; raises ImageDamaged."""
    picture = open_picture(jpeg)
    return encode_jpeg(picture.view(picture.shrink_for(2 * max_side)), max_side=max_side)


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


def _averaged(image: BgrImage, times: int) -> BgrImage:
    """Shrunk by a whole number, each pixel the mean of `times` x `times`; what does not fill a pixel is left out."""
    height, width = (side // times for side in image.shape[:2])
    whole = image[: height * times, : width * times]
    small = np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    small.flags.writeable = False
    return small


def _jpeg(image: BgrImage, *, quality: int, sampling: int) -> bytes:
    """OpenCV's encoder, because Pillow's keeps all other threads of Python waiting."""
    choices = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    done, jpeg = cv2.imencode(".jpg", image, choices)
    assert done  # of pixels within the gates it can only run out of memory, which raises
    return jpeg.tobytes()
