"""The face picker: every face of a picture is shown, and a person says which one is meant. Never takes the largest."""

from fastapi import APIRouter, Request, Response

from api.accounts.policy import Act
from api.cases import photos
from api.cases.policy import is_own
from api.gallery import service as gallery
from api.kit.http import NodeDep, Now
from api.kit.problems import InvalidInput
from api.web import render, uploads
from api.web.forms import FormDep
from api.web.session import ReaderDep

router = APIRouter(include_in_schema=False)


@router.get("/photos/{photo_id}/faces")
def show_faces(
    request: Request, photo_id: str, reader: ReaderDep, node: NodeDep, face: str = "", then: str = ""
) -> Response:
    with node.db.read() as session:
        photo = photos.see_photo(session, reader.actor, photo_id)
        faces = gallery.faces_of_photo(session, photo.id)
        case = photo.person.case
    chosen = face or next((each.id for each in faces if each.chosen_by is not None), "")
    facts = {
        "photo": photo,
        "faces": faces,
        "chosen": chosen,
        "then": then,
        "may_choose": is_own(reader.actor, case) and reader.actor.may(Act.CHOOSE_FACE),
    }
    return render.page(request, "faces.html", **facts)


@router.post("/photos/{photo_id}/faces")
def choose(photo_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    if not form.text("face_id"):
        raise InvalidInput(field="face_id")
    with node.db.write() as session:
        face = gallery.choose_face(session, reader.actor, photo_id, form.text("face_id"), now=now)
        onward = uploads.next_choice(session, face.photo.case_id) or f"/cases/{face.photo.case_id}"
    then = form.text("then")
    return render.go(f"{render.local_path(then)}?face={face.id}" if then else onward)
