"""Asking the gallery who looks like a face, under every contract at once, and what each likeness is worth.

Never writes, and never lets the device work inside a transaction.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.cases.models import Case, Person
from api.cases.states import SEARCHABLE
from api.gallery import replica
from api.gallery.census import admitted, regions_within
from api.gallery.matcher import Matcher
from api.gallery.models import KINDS
from api.jobs.models import Job
from api.kit.node import Node
from api.kit.problems import Refusal, SealBroken
from api.search import exclusions
from api.search.compare import Hit, Question, Shown, compare, shown_faces
from index.errors import MemoryRefusal
from index.types import Filter

__all__ = ["Answer", "CouldNotLook", "Hit", "Question", "look_up", "look_up_all"]
OPPOSITE = {"found": "sought", "sought": "found"}


class CouldNotLook(Refusal):
    """The gallery could not be asked. This says nothing about whether the person is in it."""

    code = "could-not-look"


@dataclass(frozen=True)
class Answer:
    """Hits, best first; the gallery's revision when asked, how many persons were compared, and on which scale."""

    hits: tuple[Hit, ...]
    revision: int
    persons: int
    contract: str
    calibration: str


@dataclass(frozen=True)
class Scope:
    """Among whom a question is asked, and how many persons that are."""

    where: Filter
    persons: int


def look_up(node: Node, matcher: Matcher, question: Question, *, now: datetime) -> Answer:
    """Ask this node's gallery as it stands in the database now. Raises CouldNotLook."""
    return look_up_all(node, matcher, [question], now=now)[0]


def look_up_all(node: Node, matcher: Matcher, questions: Sequence[Question], *, now: datetime) -> list[Answer]:
    """Ask many questions of this node's gallery as it stands in the database now; answers come in their order.

    Whoever is among the nearest under any contract is compared by all photographs under all contracts.
    Raises CouldNotLook.
    """
    try:
        revision = replica.catch_up(node, matcher)
        with node.db.read() as session:
            scopes = _scopes(session, node, matcher, questions, now=now)
        nearest = _nearest(matcher, questions, scopes, k=node.settings.candidates_per_search)
        with node.db.read() as session:
            shown = shown_faces(session, node.vault, matcher.contracts, set().union(*nearest))
    except (MemoryRefusal, SealBroken) as trouble:
        raise CouldNotLook(because=trouble.code) from trouble
    most = node.settings.candidates_per_search
    return [
        Answer(
            _proposed(matcher, question, [shown[key] for key in sorted(near) if key in shown], scope.persons)[:most],
            revision,
            scope.persons,
            matcher.contract,
            matcher.calibration,
        )
        for question, scope, near in zip(questions, scopes, nearest, strict=True)
    ]


def _proposed(
    matcher: Matcher, question: Question, candidates: Sequence[Sequence[Shown]], persons: int
) -> tuple[Hit, ...]:
    hits = (compare(matcher, question, faces, persons=persons) for faces in candidates)
    proposed = [hit for hit in hits if hit and hit.likelihood.nominal_log10_lr >= question.floor]
    return tuple(sorted(proposed, key=lambda hit: -hit.likelihood.nominal_log10_lr))


def _nearest(matcher: Matcher, questions: Sequence[Question], scopes: Sequence[Scope], *, k: int) -> list[set[int]]:
    """Keys of the `k` most similar persons under each contract, for each question; one search for all of one scope."""
    nearest: list[set[int]] = [set() for _ in questions]
    together: dict[Filter, list[int]] = defaultdict(list)
    for place, scope in enumerate(scopes):
        together[scope.where].append(place)
    for memory in matcher.memories:
        for where, places in together.items():
            seen = [place for place in places if memory.contract in questions[place].templates]
            if not seen:
                continue
            probes = np.stack([questions[place].templates[memory.contract] for place in seen])
            for place, neighbours in zip(seen, memory.live.search(probes, k, where), strict=True):
                nearest[place].update(near.person for near in neighbours)
    return nearest


def _scopes(
    session: Session, node: Node, matcher: Matcher, questions: Sequence[Question], *, now: datetime
) -> list[Scope]:
    ended = _ended(session)
    asked = [(question.person, question.photo_added_at) for question in questions]
    rejected = exclusions.rejected_keys_of_many(session, asked, settings=node.settings, now=now)
    sizes: dict[tuple[int, tuple[str, ...], Filter], int] = {}
    scopes = []
    for question, excluded in zip(questions, rejected, strict=True):
        among = KINDS[OPPOSITE[question.person.kind]], question.regions, question.narrowed
        if among not in sizes:
            sizes[among] = admitted(session, matcher.contracts, *among)
        kind, regions, narrowed = among
        where = replace(
            narrowed,
            kinds=frozenset({kind}),
            regions=regions_within(session, regions) if regions else None,
            excluded_persons=excluded | ended,
        )
        scopes.append(Scope(where, sizes[among]))
    return scopes


def _ended(session: Session) -> frozenset[int]:
    """Persons whose case has ended while the job that takes them out of the gallery still waits."""
    waiting = sa.select(Job.case_id).where(Job.name == "gallery.reconcile", Job.finished_at.is_(None))
    query = sa.select(Person.key, Case.kind, Case.state).join(Case, Person.case_id == Case.id)
    rows = session.execute(query.where(Case.id.in_(waiting)))
    return frozenset(key for key, kind, state in rows if state not in SEARCHABLE[kind])
