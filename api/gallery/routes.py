"""Faces of photographs as JSON and as pictures. Every picture is shown for a stated reason, which is remembered."""

from fastapi import APIRouter, Response

from api.accounts.actor import ActorDep
from api.cases import photos
from api.gallery import service
from api.gallery.schemas import FaceChoice, FaceOut, FacesOut, face_out
from api.kit.http import JPEG, NO_STORE, NodeDep, Now, Reading, ViewReason, Writing

router = APIRouter(prefix="/v1", tags=["gallery"])


@router.get("/photos/{photo_id}/faces")
def list_faces(photo_id: str, actor: ActorDep, session: Reading) -> FacesOut:
    """Where the faces of a photo are; the state says whether they were looked for already."""
    photo = photos.see_photo(session, actor, photo_id)
    faces = service.faces_of_photo(session, photo.id)
    return FacesOut(width=photo.width, height=photo.height, state=photo.state, items=[face_out(face) for face in faces])


@router.post("/photos/{photo_id}/face")
def choose_face(photo_id: str, body: FaceChoice, actor: ActorDep, session: Writing, now: Now) -> FaceOut:
    """Say which face of a photo is the person's; repeating it changes nothing."""
    return face_out(service.choose_face(session, actor, photo_id, body.face_id, now=now))


@router.get("/faces/{face_id}/image", response_class=Response, responses=JPEG)
def show_face(face_id: str, reason: ViewReason, actor: ActorDep, node: NodeDep, now: Now) -> Response:
    """One face, cut out with a margin."""
    with node.db.write() as session:
        face = service.view_face(session, actor, face_id, reason=reason, now=now)
    return Response(service.face_picture(node, face), media_type="image/jpeg", headers=NO_STORE)
