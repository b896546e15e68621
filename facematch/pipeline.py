"""Many pictures at once: every core decodes, detects and embeds a picture of its own. It never keeps more than a few
pictures, and never lets one that is refused stop the rest.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

from facematch.errors import ImageRefused
from facematch.images import CleanImage, ImageLimits, Picture, open_picture
from facematch.types import Face

AHEAD = 3  # pictures a worker: one it works on, the others so that it never waits for a slow neighbour

Key = TypeVar("Key")


class Eye(Protocol):
    """Whatever finds the faces of a picture: an Extractor or an Ensemble."""

    def faces_of(self, picture: Picture, /) -> list[Face]:
        """Faces by the area of their boxes, largest first; raises ImageRefused."""
        ...


@dataclass(frozen=True, slots=True)
class Extracted(Generic[Key]):
    """A picture that was let in: width and height upright, its faces, and what to store where that was asked for."""

    key: Key
    width: int
    height: int
    faces: list[Face]
    clean: CleanImage | None


@dataclass(frozen=True, slots=True)
class Refused(Generic[Key]):
    """A picture that was not let in, and why."""

    key: Key
    refusal: ImageRefused


def extract_many(
    eye: Eye,
    pictures: Iterable[tuple[Key, bytes]],
    *,
    workers: int,
    limits: ImageLimits = ImageLimits(),  # noqa: B008 - frozen
    storing: bool = False,
) -> Iterator[Extracted[Key] | Refused[Key]]:
    """The faces of many pictures, in the order in which they come, one answer for each.

    `pictures` yields (whatever the caller knows a picture by, its bytes) and is read by the calling thread, at most
    AHEAD pictures a worker before the one that is handed out; so a generator that reads files holds few of them. Open
    the eye with `threads=1` and give it as many `workers` as there are cores: a picture a core is faster than a picture
    on all cores, because decoding and quality know one core only.

    A picture that is not let in becomes a Refused in its place. Any other error, and an error of `pictures` itself, is
    raised and ends the work; so does closing the iterator, after the pictures that are being looked at.

    With `storing`, `Extracted.clean` is the JPEG to store, made from the same decoding as the faces: whoever keeps the
    pictures must not call `images.clean` as well, which would decode each a second time.
    """

    def look(key: Key, data: bytes) -> Extracted[Key] | Refused[Key]:
        try:
            picture = open_picture(data, limits=limits)
            clean = picture.clean() if storing else None
            faces = eye.faces_of(picture)
        except ImageRefused as refusal:
            return Refused(key, type(refusal)(**refusal.facts))  # the caught one's traceback would hold the picture
        return Extracted(key, picture.width, picture.height, faces, clean)

    coming = iter(pictures)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="eye")
    try:
        asked: deque[Future[Extracted[Key] | Refused[Key]]] = deque()
        asked.extend(pool.submit(look, *one) for one in islice(coming, AHEAD * workers))
        while asked:
            answer = asked.popleft().result()
            asked.extend(pool.submit(look, *one) for one in islice(coming, 1))
            yield answer
    finally:
        pool.shutdown(cancel_futures=True)
