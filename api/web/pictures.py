"""Photographs and faces for pages. Every look is written down with its reason before the picture leaves the house."""

from fastapi import APIRouter, Response

from api.cases import photos
from api.gallery import service as gallery
from api.gallery.models import Face
from api.kit.http import NodeDep, Now
from api.kit.i18n import N_
from api.reviews import service as reviews
from api.reviews.schemas import Side
from api.search import hypotheses
from api.web import render
from api.web.session import ReaderDep

router = APIRouter(prefix="/pictures", include_in_schema=False)
WORKING = N_("working on the case")
CHOOSING = N_("choosing the face in a picture")
COMPARING = N_("comparing a candidate")
SMALL_SIDE = 480


@router.get("/photos/{photo_id}")
def show_photo(photo_id: str, reader: ReaderDep, node: NodeDep, now: Now, small: bool = False) -> Response:
    with node.db.write() as session:
        photo = photos.view_photo(session, reader.actor, photo_id, reason=WORKING, now=now)
    return render.picture(photos.photo_picture(node, photo, max_side=SMALL_SIDE if small else photos.SHOWN_SIDE))


@router.get("/faces/{face_id}")
def show_face(face_id: str, reader: ReaderDep, node: NodeDep, now: Now) -> Response:
    with node.db.write() as session:
        face = gallery.view_face(session, reader.actor, face_id, reason=CHOOSING, now=now)
    return render.picture(gallery.face_picture(node, face))


@router.get("/hypotheses/{hypothesis_id}/{side}")
def show_candidate(hypothesis_id: str, side: Side, reader: ReaderDep, node: NodeDep, now: Now) -> Response:
    with node.db.write() as session:
        pair = hypotheses.get_visible(session, reader.actor, hypothesis_id)
        hypotheses.record_pair_seen(session, reader.actor, pair, reason=COMPARING, now=now)
        face = session.get_one(Face, pair.found_face_id if side == "found" else pair.sought_face_id)
    return render.picture(gallery.face_picture(node, face))


@router.get("/reviews/{review_id}/{side}")
def show_review(review_id: str, side: Side, reader: ReaderDep, node: NodeDep, now: Now) -> Response:
    with node.db.write() as session:
        face = reviews.look_at(session, reader.actor, review_id, side, now=now)
    return render.picture(gallery.face_picture(node, face))
