"""`lighthouse faces`: the eye on files, without a server or a database."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.terminal import Json, _, answer, progress, say, show_table
from api.kit.i18n import N_
from api.kit.settings import Settings
from facematch.errors import ImageRefused, NoFaceFound
from facematch.extractor import Extractor, open_extractor
from facematch.likelihood import BANDS, REASONS, Calibration, read_calibration
from facematch.types import Face, Likelihood
from index.factory import new_index
from index.types import Change, Entry

app = typer.Typer(help="Faces in files: detect, compare, search.", no_args_is_help=True)
Picture = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A picture.")]
AgeGap = Annotated[float | None, typer.Option(help="Years between the two pictures, if known.")]
Youngest = Annotated[float | None, typer.Option(help="Age of the person in the earlier picture, if known.")]


@app.command()
def detect(picture: Picture, as_json: Json = False) -> None:
    """All faces of a picture with box, landmarks and quality."""
    image, faces = _extractor().faces_in(picture.read_bytes())
    rows = [_described(face) for face in faces]
    if as_json:
        answer({"width": image.shape[1], "height": image.shape[0], "faces": rows})
        return
    say(
        N_("%(count)s faces in %(width)s × %(height)s pixels"),
        count=len(rows),
        width=image.shape[1],
        height=image.shape[0],
    )
    cells = [
        (n, row["box"], f"{face.detection.confidence:.2f}", face.quality.weakest or "")
        for n, (row, face) in enumerate(zip(rows, faces, strict=True))
    ]
    show_table([N_("Face"), N_("x, y, width, height"), N_("Confidence"), N_("Weakest quality")], cells)


@app.command()
def compare(
    first: Picture, second: Picture, age_gap: AgeGap = None, youngest: Youngest = None, as_json: Json = False
) -> None:
    """How far two pictures speak for one person: a likelihood ratio and a band in words, never a bare score."""
    extractor = _extractor()
    a, b = _main_face(extractor, first), _main_face(extractor, second)
    likelihood = _calibration(extractor).assess(
        float(a.template @ b.template),
        age_gap_years=age_gap,
        youngest_age_years=youngest,
        smallest_eye_px=min(_eye_distance(a), _eye_distance(b)),
        gallery_size=1,
    )
    if as_json:
        answer(_likelihood_facts(likelihood))
    else:
        say(_sentence(likelihood))


@app.command()
def search(
    probe: Picture,
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Pictures to look through, one person a file.")
    ],
    top: Annotated[int, typer.Option(min=1, max=100, help="How many to show.")] = 10,
    age_gap: AgeGap = None,
    youngest: Youngest = None,
    as_json: Json = False,
) -> None:
    """The files of a folder that are most likely the person of a picture."""
    extractor = _extractor()
    wanted = _main_face(extractor, probe)
    names, skipped, index = _index_of(folder, extractor)
    calibration, hits = _calibration(extractor), []
    for neighbour in index.search(wanted.template[None, :], top)[0]:
        path, face = names[neighbour.person]
        likelihood = calibration.assess(
            neighbour.cosine,
            age_gap_years=age_gap,
            youngest_age_years=youngest,
            smallest_eye_px=min(_eye_distance(wanted), _eye_distance(face)),
            gallery_size=len(names),
        )
        hits.append((path, likelihood))
    if as_json:
        answer(
            {
                "compared": len(names),
                "skipped": skipped,
                "hits": [{"file": str(p), **_likelihood_facts(lr)} for p, lr in hits],
            }
        )
        return
    say(
        N_("Compared with %(count)s faces; %(skipped)s files had none or could not be read."),
        count=len(names),
        skipped=skipped,
    )
    show_table([N_("File"), N_("What it says")], [(path.relative_to(folder), _(_sentence(lr))) for path, lr in hits])


def _extractor() -> Extractor:
    settings = Settings()
    return open_extractor(
        settings.bundle,
        models_dir=settings.models_dir,
        weights_dir=settings.weights_dir,
        device=settings.device,
        threads=settings.threads,
    )


def _calibration(extractor: Extractor) -> Calibration:
    return read_calibration(extractor.bundle.folder / "calibration.json", contract=extractor.contract)


def _main_face(extractor: Extractor, path: Path) -> Face:
    _image, faces = extractor.faces_in(path.read_bytes())
    if not faces:
        raise NoFaceFound(file=path.name)
    return max(faces, key=lambda face: face.detection.box.width * face.detection.box.height)


def _index_of(folder: Path, extractor: Extractor):  # type: ignore[no-untyped-def]
    index = new_index("flat", extractor.contract, extractor.dimension)
    names: dict[int, tuple[Path, Face]] = {}
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with progress() as bar:
        for path in bar.track(paths, description=folder.name):
            try:
                face = _main_face(extractor, path)
            except (ImageRefused, NoFaceFound):
                continue
            number = len(names) + 1
            names[number] = (path, face)
            index.apply([Change(number, number, Entry(number, number, 1, 0, face.template))])
    return names, len(paths) - len(names), index


def _described(face: Face) -> dict[str, object]:
    box = face.detection.box
    return {
        "box": [round(value) for value in (box.x, box.y, box.width, box.height)],
        "landmarks": [[round(float(x), 1), round(float(y), 1)] for x, y in face.detection.landmarks],
        "confidence": round(face.detection.confidence, 3),
        "quality": dict(face.quality.components),
    }


def _eye_distance(face: Face) -> float:
    left, right = face.detection.landmarks[:2]
    return float(((left - right) ** 2).sum() ** 0.5)


def _sentence(likelihood: Likelihood) -> str:
    return REASONS[likelihood.reason] if likelihood.reason else BANDS[likelihood.band]


def _likelihood_facts(likelihood: Likelihood) -> dict[str, object]:
    return {
        "band": likelihood.band,
        "words": _(_sentence(likelihood)),
        "log10_lr": likelihood.log10_lr,
        "interval": [likelihood.low, likelihood.high],
        "not_calibrated_because": likelihood.reason,
        "calibration": likelihood.calibration,
    }
