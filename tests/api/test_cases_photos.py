"""Photographs: what is let in, what is kept of it, and what is refused without leaving a trace."""

from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from api.audit.models import AuditEntry
from api.cases import photos
from api.cases.models import Photo
from api.jobs.models import Job
from api.kit.node import Node
from api.kit.problems import InvalidInput, NotFound, WrongState
from facematch.errors import ImageTooLarge, NotAPicture
from tests.api.papers import a_found_person, a_photo, a_report, in_state
from tests.api.photographs import Photographs
from tests.api.world import World


def files_of(node: Node) -> list[Path]:
    return [path for path in node.blobs.folder.rglob("*") if path.is_file()]


def test_photo_waits_for_its_faces(node: Node, world: World, photographs: Photographs) -> None:
    case = a_found_person(node, world.registrar)
    photo = a_photo(node, world.registrar, case, photographs.astronaut, taken_on="2026-02")
    with node.db.read() as session:
        job = session.scalar(sa.select(Job).where(Job.name == "gallery.enrol"))
    assert (photo.state, photo.width, photo.height, photo.taken_on) == ("received", 512, 512, "2026-02")
    assert job is not None
    assert job.payload == {"photo_id": photo.id}


def test_picture_lies_on_disk_sealed(node: Node, world: World, photographs: Photographs) -> None:
    photo = a_photo(node, world.registrar, a_found_person(node, world.registrar), photographs.astronaut)
    (file,) = files_of(node)
    assert node.blobs.get(photo.blob).startswith(b"\xff\xd8\xff")
    assert b"\xff\xd8\xff" not in file.read_bytes()[:64]


def test_place_and_camera_are_not_kept(node: Node, world: World, photographs: Photographs) -> None:
    stream = BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "CANARY camera"
    exif.get_ifd(0x8825)[1] = "N"
    Image.open(BytesIO(photographs.astronaut)).save(stream, "JPEG", exif=exif, comment=b"CANARY comment")
    assert b"CANARY" in stream.getvalue()
    photo = a_photo(node, world.registrar, a_found_person(node, world.registrar), stream.getvalue())
    kept = node.blobs.get(photo.blob)
    assert b"CANARY" not in kept
    assert not Image.open(BytesIO(kept)).getexif()


@pytest.mark.parametrize("data", [b"", b"not a picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe"])
def test_what_is_not_a_picture_writes_nothing(node: Node, data: bytes) -> None:
    with pytest.raises(NotAPicture):
        photos.prepare(node, data)
    assert files_of(node) == []


def test_picture_beyond_the_limit_writes_nothing(node: Node, photographs: Photographs) -> None:
    limit = photos.limits_of(node.settings).max_bytes
    with pytest.raises(ImageTooLarge):
        photos.prepare(node, photographs.astronaut.ljust(limit + 1, b"\0"))
    assert files_of(node) == []


def test_same_picture_is_kept_once_for_a_person(node: Node, world: World, photographs: Photographs) -> None:
    case = a_found_person(node, world.registrar)
    first = a_photo(node, world.registrar, case, photographs.astronaut)
    with pytest.raises(photos.PhotoAlreadyThere) as refusal:
        a_photo(node, world.registrar, case, photographs.astronaut)
    assert refusal.value.facts == {"photo_id": first.id}


def test_same_picture_may_belong_to_two_persons(node: Node, world: World, photographs: Photographs) -> None:
    report = a_report(node, world.requester, persons=[{"name": "甲"}, {"name": "乙"}])
    both = [a_photo(node, world.requester, report, photographs.group, person=index) for index in (0, 1)]
    assert both[0].blob == both[1].blob
    assert len(files_of(node)) == 1


def test_person_has_no_more_photos_than_the_setting_allows(node: Node, world: World, photographs: Photographs) -> None:
    case = a_found_person(node, world.registrar)
    a_photo(node, world.registrar, case, photographs.astronaut)
    narrow = node.settings.model_copy(update={"photos_per_person": 1})
    prepared = photos.prepare(node, photographs.stranger)
    said = {"person_id": None, "role": "capture", "taken_on": "", "source": ""}
    with pytest.raises(photos.TooManyPhotos), node.db.write() as session:
        photos.accept_photo(session, world.registrar, case.id, prepared, **said, settings=narrow, now=node.clock())


def test_report_about_two_asks_whose_photo_it_is(node: Node, world: World, photographs: Photographs) -> None:
    report = a_report(node, world.requester, persons=[{"name": "甲"}, {"name": "乙"}])
    prepared = photos.prepare(node, photographs.astronaut)
    said = {"person_id": None, "role": "reference", "taken_on": "", "source": ""}
    with pytest.raises(InvalidInput) as refusal, node.db.write() as session:
        photos.accept_photo(
            session, world.requester, report.id, prepared, **said, settings=node.settings, now=node.clock()
        )
    assert refusal.value.facts == {"field": "person_id"}


@pytest.mark.parametrize(
    ("said", "field"),
    [({"role": "suspect"}, "role"), ({"taken_on": "2030"}, "taken_on"), ({"taken_on": "x"}, "taken_on")],
)
def test_words_about_a_photo_that_make_no_sense_write_nothing(
    node: Node, world: World, photographs: Photographs, said: dict[str, str], field: str
) -> None:
    case = a_found_person(node, world.registrar)
    with pytest.raises(InvalidInput) as refusal:
        a_photo(node, world.registrar, case, photographs.astronaut, **said)
    with node.db.read() as session:
        assert session.scalars(sa.select(Photo)).all() == []
    assert refusal.value.facts["field"] == field


def test_another_house_adds_no_photo(node: Node, world: World, photographs: Photographs) -> None:
    case = a_found_person(node, world.registrar)
    with pytest.raises(NotFound):
        a_photo(node, world.requester, case, photographs.astronaut)


def test_case_that_has_ended_takes_no_photo(node: Node, world: World, photographs: Photographs) -> None:
    case = in_state(node, a_found_person(node, world.registrar), "withdrawn")
    with pytest.raises(WrongState):
        a_photo(node, world.registrar, case, photographs.astronaut)


def test_looking_at_a_photo_is_remembered_with_its_reason(node: Node, world: World, photographs: Photographs) -> None:
    photo = a_photo(node, world.registrar, a_found_person(node, world.registrar), photographs.astronaut)
    with node.db.write() as session:
        photos.view_photo(session, world.coordinator, photo.id, reason="triage of the request", now=node.clock())
    with node.db.read() as session:
        seen = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "picture-seen")).one()
    assert (seen.user_id, seen.record_id, seen.case_id, seen.reason) == (
        world.coordinator.user_id,
        photo.id,
        photo.case_id,
        "triage of the request",
    )


def test_photo_is_shown_no_larger_than_asked(node: Node, world: World, photographs: Photographs) -> None:
    photo = a_photo(node, world.registrar, a_found_person(node, world.registrar), photographs.astronaut)
    assert Image.open(BytesIO(photos.photo_picture(node, photo, max_side=100))).size == (100, 100)
