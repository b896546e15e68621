"""Real photographs that come with installed packages: an astronaut, a group of six, and pictures without a face."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import insightface.data
import skimage.data
from PIL import Image

from facematch import images

GROUP = Path(insightface.data.__file__).parent / "images" / "t1.jpg"
STRANGER_BOX = (20, 250, 330, 600)  # the man at the left of the group picture, alone


@dataclass(frozen=True)
class Photographs:
    """JPEG bytes."""

    astronaut: bytes
    astronaut_later: bytes
    group: bytes
    stranger: bytes
    nobody: bytes

    @classmethod
    def load(cls) -> "Photographs":
        astronaut = _jpeg(Image.fromarray(skimage.data.astronaut()))
        group = GROUP.read_bytes()
        return cls(
            astronaut=astronaut,
            astronaut_later=images.degrade(astronaut, scale=0.75, brightness=0.6, jpeg_quality=40, turn_degrees=6),
            group=group,
            stranger=_jpeg(Image.open(BytesIO(group)).crop(STRANGER_BOX)),
            nobody=_jpeg(Image.fromarray(skimage.data.coffee())),
        )


def _jpeg(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.convert("RGB").save(stream, "JPEG", quality=95)
    return stream.getvalue()
