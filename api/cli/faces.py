"""`lighthouse faces`: the eye on files, without a server or a database."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from api.cli.terminal import Json, _, answer, progress, say, show_table
from api.kit.i18n import N_
from api.kit.settings import Settings
from facematch.bands import BANDS, REASONS
from facematch.ensemble import Ensemble, open_ensemble
from facematch.errors import ImageRefused, NoFaceFound
from facematch.fusion import Fusion, read_fusion
from facematch.likelihood import Calibration, fuse, read_calibration
from facematch.types import Face, Likelihood

app = typer.Typer(help="Faces in files: detect, compare, search.", no_args_is_help=True)
Picture = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A picture.")]
AgeGap = Annotated[float | None, typer.Option(help="Years between the two pictures, if known.")]
Youngest = Annotated[float | None, typer.Option(help="Age of the person in the earlier picture, if known.")]


@app.command()
def detect(picture: Picture, as_json: Json = False) -> None:
    """All faces of a picture with box, landmarks and quality."""
    image, faces = _open_eye().faces_in(picture.read_bytes())
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
        (n, row["box"], row["confidence"], row["utility"], next(iter(face.quality.causes), ""))
        for n, (row, face) in enumerate(zip(rows, faces, strict=True))
    ]
    head = [N_("Face"), N_("x, y, width, height"), N_("Confidence"), N_("Utility of 100"), N_("Weakest quality")]
    show_table(head, cells)


@app.command()
def compare(
    first: Picture, second: Picture, age_gap: AgeGap = None, youngest: Youngest = None, as_json: Json = False
) -> None:
    """How far two pictures speak for one person: a likelihood ratio and a band in words, never a bare score."""
    models = _open_models()
    a, b = _main_face(models.eye, first), _main_face(models.eye, second)
    likelihood = models.judge(a, b, age_gap=age_gap, youngest=youngest, gallery_size=1)
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
    models = _open_models()
    wanted = _main_face(models.eye, probe)
    faces, skipped = _faces_in(folder, models.eye)
    judged = [
        (path, models.judge(wanted, face, age_gap=age_gap, youngest=youngest, gallery_size=len(faces)))
        for path, face in faces
    ]
    hits = sorted(judged, key=lambda hit: -hit[1].nominal_log10_lr)[:top]
    if as_json:
        answer(
            {
                "compared": len(faces),
                "skipped": skipped,
                "hits": [{"file": str(p), **_likelihood_facts(lr)} for p, lr in hits],
            }
        )
        return
    say(
        N_("Compared with %(count)s faces; %(skipped)s files had none or could not be read."),
        count=len(faces),
        skipped=skipped,
    )
    show_table([N_("File"), N_("What it says")], [(path.relative_to(folder), _(_sentence(lr))) for path, lr in hits])


@dataclass(frozen=True)
class Models:
    """Every model in the settings, and what its similarities are worth."""

    eye: Ensemble
    calibrations: list[Calibration]
    fusion: Fusion

    def judge(
        self, one: Face, other: Face, *, age_gap: float | None, youngest: float | None, gallery_size: int
    ) -> Likelihood:
        """What all models that saw both faces say together; the leading one saw them."""
        judged = [
            calibration.assess(
                float(one.templates[calibration.contract] @ other.templates[calibration.contract]),
                age_gap_years=age_gap,
                youngest_age_years=youngest,
                smallest_eye_px=min(_eye_distance(one), _eye_distance(other)),
                gallery_size=gallery_size,
            )
            for calibration in self.calibrations
            if calibration.contract in one.templates.keys() & other.templates.keys()
        ]
        return fuse([judged], fusion=self.fusion, gallery_size=gallery_size)


def _open_models() -> Models:
    settings, eye = Settings(), _open_eye()
    calibrations = [
        read_calibration(one.bundle.folder / "calibration.json", contract=one.contract) for one in eye.extractors
    ]
    return Models(eye, calibrations, read_fusion(settings.models_dir))


def _open_eye() -> Ensemble:
    settings = Settings()
    return open_ensemble(
        settings.bundles,
        models_dir=settings.models_dir,
        weights_dir=settings.weights_dir,
        device=settings.device,
        threads=settings.threads,
    )


def _main_face(eye: Ensemble, path: Path) -> Face:
    _image, faces = eye.faces_in(path.read_bytes())
    if not faces:
        raise NoFaceFound(file=path.name)
    return faces[0]


def _faces_in(folder: Path, eye: Ensemble) -> tuple[list[tuple[Path, Face]], int]:
    """The largest face of every picture in a folder, and how many files had none or could not be read."""
    paths, faces = sorted(path for path in folder.rglob("*") if path.is_file()), []
    with progress() as bar:
        for path in bar.track(paths, description=folder.name):
            with suppress(ImageRefused, NoFaceFound):
                faces.append((path, _main_face(eye, path)))
    return faces, len(paths) - len(faces)


def _described(face: Face) -> dict[str, object]:
    box = face.detection.box
    return {
        "box": [round(value) for value in (box.x, box.y, box.width, box.height)],
        "landmarks": [[round(float(x), 1), round(float(y), 1)] for x, y in face.detection.landmarks],
        "confidence": round(face.detection.confidence, 3),
        "quality": dict(face.quality.components),
        "utility": face.quality.utility,
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
