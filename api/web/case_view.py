"""Everything one page about a case shows, read in one moment. Never changes anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.models import Organisation, User
from api.accounts.policy import Act, Actor
from api.cases import photos, service, timeline
from api.cases.models import Case, Photo
from api.cases.policy import is_own
from api.cases.schemas import CaseOut, TimelineEntryOut
from api.cases.states import SEARCHABLE, TABLES
from api.cases.views import case_out
from api.gallery.models import Face
from api.kit.i18n import translator
from api.kit.node import Node
from api.requests import service as requests
from api.requests.models import SearchRequest
from api.reunions import service as reunions
from api.reunions.models import FollowUp
from api.search import hypotheses
from api.search.models import MatchHypothesis, SearchRun
from api.search.schemas import HypothesisOut, SideOut
from api.search.views import hypothesis_out
from api.web import deeds, next_steps, render
from api.web.next_steps import Look, Step

LONGEST_TIMELINE = 400
JOURNEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "found_person": (("registered", "reopened"), ("searching", "settled"), ("identity_probable",),
                     ("identity_confirmed", "return_planned"), ("home",), ("followed_up", "closed")),
    "missing_report": (("filed", "police_verified", "reopened"), ("active",), ("located_unverified",), ("located",),
                       ("resolved",), ("closed",)),
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One line of the timeline: when, what, who (empty where that is not told), why, and whether it was a turn."""

    at: datetime
    what: str
    who: str
    why: str
    turn: bool


@dataclass(frozen=True)
class CaseView:
    """One case as one reader sees it."""

    case: CaseOut
    own: bool
    may_add: bool
    may_edit: bool
    may_ask: bool
    may_close: bool
    photos: Sequence[Photo]
    chosen: dict[str, Face]
    requests: Sequence[SearchRequest]
    pairs: Sequence[tuple[HypothesisOut, SideOut]]
    follow_ups: Sequence[FollowUp]
    story: Sequence[Told]
    looks: Sequence[Told]
    step: Step | None
    journey: Sequence[str]
    place: int | None


def read(session: Session, node: Node, actor: Actor, case_id: str, *, now: datetime) -> CaseView:
    """Read a case for a page. Raises NotPermitted, NotFound."""
    case = service.see_case(session, actor, case_id)
    own = is_own(actor, case)
    pictures = photos.list_photos(session, case.id)
    asked = requests.requests_of_case(session, actor, case.id) if actor.may(Act.SEE_REQUEST) else []
    pairs = hypotheses.list_for_case(session, actor, case.id) if actor.may(Act.SEE_CANDIDATES) else []
    look = Look(actor, case, own, pictures, asked, pairs, searched=_was_searched(session, case.id))
    story = _story(session, actor, case)
    steps = JOURNEYS[case.kind]
    return CaseView(
        case=case_out(case, actor, node=node),
        own=own,
        may_add=own and actor.may(Act.ADD_PHOTO) and case.state not in service.ENDED,
        may_edit=own and actor.may(Act.EDIT_CASE) and case.state not in service.ENDED,
        may_ask=own and actor.may(Act.RAISE_REQUEST) and case.state in SEARCHABLE[case.kind],
        may_close=actor.may(Act.CLOSE_CASE) and TABLES[case.kind].admits(case.state, "close"),
        photos=pictures,
        chosen=_chosen(session, case.id),
        requests=asked,
        pairs=[_pair(pair, actor, case, now=now) for pair in pairs],
        follow_ups=reunions.follow_ups_of(session, actor, case.id),
        story=[told for told, seen in story if not seen],
        looks=[told for told, seen in story if seen],
        step=next_steps.next_step(look),
        journey=[states[0] for states in steps],
        place=next((place for place, states in enumerate(steps) if case.state in states), None),
    )


def _pair(row: MatchHypothesis, actor: Actor, case: Case, *, now: datetime) -> tuple[HypothesisOut, SideOut]:
    pair = hypothesis_out(row, actor, now=now)
    return pair, pair.sought if row.found.case_id == case.id else pair.found


def _was_searched(session: Session, case_id: str) -> bool:
    query = sa.select(SearchRun.id).where(SearchRun.case_id == case_id, SearchRun.request_id.is_not(None))
    return session.scalar(query.limit(1)) is not None


def _chosen(session: Session, case_id: str) -> dict[str, Face]:
    query = sa.select(Face).join(Photo, Face.photo_id == Photo.id)
    faces = session.scalars(query.where(Photo.case_id == case_id, Face.chosen_by.is_not(None)))
    return {face.photo_id: face for face in faces}


def _story(session: Session, actor: Actor, case: Case) -> list[tuple[Told, bool]]:
    entries = timeline.of_case(session, actor, case.id, after=0, limit=LONGEST_TIMELINE).items
    names = _names(session, entries)
    say = render.sayer(actor.language)
    told = []
    for entry in (each for each in entries if deeds.is_told(each.act, each.facts)):
        what = deeds.saying(entry.act, entry.facts, case_kind=case.kind, say=say)
        who = names.get(entry.user_id or "") or names.get(entry.organisation_id or "") or ""
        line = Told(
            entry.at,
            what,
            who,
            _why(entry.reason, actor.language),
            entry.act in deeds.TURNS,
        )
        told.append((line, entry.act in deeds.SEEN))
    return told[::-1]


def _why(reason: str | None, language: str) -> str:
    """What somebody wrote, or our own reason in the reader's language; plain text either way."""
    return "" if reason in {None, deeds.STANDING} else translator(language)(reason)


def _names(session: Session, entries: Sequence[TimelineEntryOut]) -> dict[str, str]:
    users = {entry.user_id for entry in entries}
    houses = {entry.organisation_id for entry in entries}
    query = sa.select(User.id, User.name).where(User.id.in_(users - {None}))
    names = {row.id: row.name for row in session.execute(query)}
    rows = session.execute(sa.select(Organisation.id, Organisation.name).where(Organisation.id.in_(houses - {None})))
    return names | {row.id: row.name for row in rows}
