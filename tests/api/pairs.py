"""A found person and a sought one who may be one, and the steps that lead them home, for tests of the upper rooms."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from sqlalchemy.orm import Session

from api.cases import service as cases
from api.cases.models import Case, Photo
from api.cases.schemas import NewFoundPerson, NewMissingReport, PersonSaid
from api.gallery.models import Face
from api.kit import ids
from api.kit.node import Node
from api.requests import service as requests
from api.requests.models import SearchRequest
from api.requests.schemas import NewRequest
from api.reunions import service as reunions
from api.reunions import verification
from api.reunions.schemas import FollowUpReport, NewReunification, NewVerification
from api.reviews import adjudication
from api.reviews import service as reviews
from api.reviews.schemas import ReviewSubmission
from api.search.models import MatchHypothesis
from tests.api.world import World

NAME, INQUIRER, CONTACT, NICKNAME, PLACE = "王小明", "王大山", "13800138000", "阿明", "火车站"
PRIVATE = (NAME, INQUIRER, CONTACT, NICKNAME, PLACE)
ADULT = PersonSaid(name=NAME, sex=1, birth_date="1980-05-01")
CHILD = PersonSaid(name=NAME, sex=1, birth_date="2014-05-01")


@dataclass(frozen=True)
class Pair:
    """Ids of a hypothesis and of what it joins."""

    hypothesis: str
    found_case: str
    report: str
    request: str


def make_pair(
    node: Node,
    world: World,
    *,
    state: str = "screened",
    category: str = "stranded",
    sought: PersonSaid = ADULT,
    gap: float | None = 1.5,
    photo_role: str = "capture",
    more: Sequence[PersonSaid] = (),
) -> Pair:
    """Two registered cases, a submitted request of the police, and a hypothesis in `state` that nobody has reviewed."""
    now = node.clock()
    report = NewMissingReport(
        persons=[sought, *more],
        inquirer=INQUIRER,
        contact=CONTACT,
        police_case_number="A-1",
        category=category,
        separated_on="2024-09-01",
    )
    found = NewFoundPerson(person=PersonSaid(name=NICKNAME, sex=1), found_on="2026-02-20", found_place=PLACE)
    with node.db.write() as session:
        report_case = cases.file_report(session, world.requester, report, now=now)
        found_case = cases.register_found(session, world.registrar, found, now=now)
        asked = NewRequest(purpose="find_missing_person", reason="family is looking", urgency="routine")
        request = requests.raise_request(session, world.requester, report_case.id, asked, now=now)
        found_face = add_face(node, session, found_case, by=world.registrar.user_id, role=photo_role)
        sought_face = add_face(node, session, report_case, by=world.requester.user_id, role="reference")
        row = _hypothesis(found_face, sought_face, state=state, gap=gap, node=node)
        session.add(row)
        session.flush()
        return Pair(row.id, found_case.id, report_case.id, request.id)


def add_face(node: Node, session: Session, case: Case, *, by: str, role: str, shade: int = 90) -> Face:
    """A photo of the case's first person with one face in it."""
    stream, now = BytesIO(), node.clock()
    Image.new("RGB", (200, 240), (shade, shade, shade)).save(stream, "JPEG")
    photo = Photo(
        id=ids.new_id(now),
        case_id=case.id,
        person=case.persons[0],
        role=role,
        state="enrolled",
        blob=node.blobs.put(stream.getvalue()),
        upload_sha256=ids.new_id(now),
        width=200,
        height=240,
        taken_on="2024-05",
        source="album",
        added_by=by,
        added_at=now,
    )
    face = Face(
        id=ids.new_id(now),
        photo=photo,
        ordinal=0,
        box=[40.0, 40.0, 100.0, 120.0],
        landmarks=[[70.0, 90.0], [110.0, 90.0], [90.0, 115.0], [75.0, 135.0], [105.0, 135.0]],
        eye_distance=40.0,
        confidence=0.99,
        quality={},
        chosen_by="only-face",
        chosen_at=now,
    )
    session.add_all([photo, face])
    session.flush()
    return face


def add_sibling(node: Node, world: World, pair: Pair, *, state: str) -> str:
    """Another found person whom the same sought person might be; returns the id of that hypothesis."""
    now = node.clock()
    other = NewFoundPerson(person=PersonSaid(sex=1), found_on="2026-02-21")
    with node.db.write() as session:
        case = cases.register_found(session, world.registrar, other, now=now)
        face = add_face(node, session, case, by=world.registrar.user_id, role="capture")
        sought = session.get_one(Face, session.get_one(MatchHypothesis, pair.hypothesis).sought_face_id)
        row = _hypothesis(face, sought, state=state, gap=1.5, node=node)
        session.add(row)
        return row.id


def invite(node: Node, world: World, pair: Pair, who: str) -> str:
    """Ask an expert by login; returns the review's id."""
    login = who.replace("_", ".")
    with node.db.write() as session:
        row = reviews.invite(
            session, world.coordinator, pair.hypothesis, login, settings=node.settings, now=node.clock()
        )
        return row.id


def said(conclusion: int, *, found: str = "suitable", sought: str = "suitable") -> ReviewSubmission:
    """A comparison with one feature looked at."""
    return ReviewSubmission(
        suitability_found=found, suitability_sought=sought, features={"ears": "similar"}, conclusion=conclusion
    )


def submit(node: Node, world: World, review_id: str, who: str, conclusion: int) -> None:
    """Look, then conclude."""
    actor = world.actors[who]
    with node.db.write() as session:
        reviews.open_review(session, actor, review_id, now=node.clock())
        reviews.submit(session, actor, review_id, said(conclusion), now=node.clock())


def review(node: Node, world: World, pair: Pair, **conclusions: int) -> None:
    """Invite experts and let them conclude: `review(node, world, pair, expert_a=2, expert_b=1)`."""
    invited = {who: invite(node, world, pair, who) for who in conclusions}
    for who, review_id in invited.items():
        submit(node, world, review_id, who, conclusions[who])


def settle(node: Node, world: World, pair: Pair, conclusion: int) -> None:
    """The adjudicator takes the disagreement, looks, and concludes."""
    actor, now = world.adjudicator, node.clock()
    with node.db.write() as session:
        taken = adjudication.take(session, actor, pair.hypothesis, settings=node.settings, now=now)
        reviews.open_review(session, actor, taken.id, now=now)
        adjudication.adjudicate(session, actor, pair.hypothesis, said(conclusion), now=now)


def verify(node: Node, world: World, pair: Pair, kind: str, *, result: str = "matches", who: str = "verifier") -> None:
    """Record one check."""
    new = NewVerification(kind=kind, result=result, authority="成都市公安局", reference="DNA-77")
    with node.db.write() as session:
        verification.record_verification(session, world.actors[who], pair.hypothesis, new, now=node.clock())


def confirm(node: Node, world: World, pair: Pair) -> None:
    """Two reviews, then the household register."""
    review(node, world, pair, expert_a=2, expert_b=3)
    verify(node, world, pair, "household")


def handover(**changes: object) -> NewReunification:
    """A handover of an adult who was asked, today."""
    return NewReunification.model_validate(
        {"handed_over_on": "2026-03-01", "region": "510100", "wish": "agreed"} | changes
    )


def hand_over(node: Node, world: World, pair: Pair) -> list[str]:
    """Home; returns the ids of the follow-ups, earliest first."""
    with node.db.write() as session:
        row = reunions.hand_over(
            session, world.liaison, pair.hypothesis, handover(), settings=node.settings, now=node.clock()
        )
        return [follow_up.id for follow_up in row.follow_ups]


def follow_up(node: Node, world: World, follow_up_id: str, outcome: str) -> None:
    """Somebody looked in."""
    report = FollowUpReport(outcome=outcome)
    with node.db.write() as session:
        reunions.record_follow_up(session, world.liaison, follow_up_id, report, now=node.clock())


def state_of(node: Node, pair: Pair | str) -> str:
    """State of a hypothesis."""
    with node.db.read() as session:
        return session.get_one(MatchHypothesis, pair if isinstance(pair, str) else pair.hypothesis).state


def case_state(node: Node, case_id: str) -> str:
    """State of a case."""
    with node.db.read() as session:
        return session.get_one(Case, case_id).state


def request_state(node: Node, pair: Pair) -> str:
    """State of the pair's request."""
    with node.db.read() as session:
        return session.get_one(SearchRequest, pair.request).state


def _hypothesis(found: Face, sought: Face, *, state: str, gap: float | None, node: Node) -> MatchHypothesis:
    now = node.clock()
    return MatchHypothesis(
        id=ids.new_id(now),
        found_person_id=found.photo.person_id,
        sought_person_id=sought.photo.person_id,
        found_face_id=found.id,
        sought_face_id=sought.id,
        state=state,
        nominal_log10_lr=4.25,
        log10_lr=4.25,
        log10_lr_low=3.5,
        log10_lr_high=5.0,
        band="strong",
        age_gap_years=gap,
        expected_strangers=0.01,
        gallery_persons=100,
        contract="c" * 64,
        calibration="k" * 16,
        proposed_at=now,
        updated_at=now,
    )
