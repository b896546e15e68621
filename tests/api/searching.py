"""What tests of requests and searches need: enrolled people, an open request, a search under it. Real services only."""

from dataclasses import dataclass
from typing import Any

from api import worker
from api.accounts.policy import Actor
from api.cases.models import Case
from api.gallery.matcher import Matcher
from api.kit.node import Node
from api.requests import service as requests
from api.requests.models import SearchRequest
from api.requests.schemas import NewRequest
from api.search import hypotheses
from api.search.models import MatchHypothesis, SearchRun
from api.search.narrowing import Narrowing
from api.search.probe import ProbeBytes, search_probe
from tests.api.papers import a_found_person, a_photo, a_report
from tests.api.world import World

REASON = "the family asked again today"
PURPOSES = {"found_person": "identify_found_person", "missing_report": "find_missing_person"}
GROWN = {"person": {"sex": 2, "birth_date": "1975-03"}}
SOUGHT = {"persons": [{"name": "李梅", "sex": 2, "birth_date": "1975-03"}]}


def an_open_request(node: Node, actor: Actor, case: Case, **said: Any) -> SearchRequest:
    """Raised and submitted."""
    new = NewRequest.model_validate({"purpose": PURPOSES[case.kind], "reason": "the family is looking"} | said)
    with node.db.write() as session:
        return requests.raise_request(session, actor, case.id, new, now=node.clock())


@dataclass(frozen=True)
class Scene:
    """A node with its matcher and the people who use it."""

    node: Node
    matcher: Matcher
    world: World

    def found(self, picture: bytes, *, by: str = "registrar", **said: Any) -> Case:
        """A found person with one photograph, enrolled; every waiting job is done."""
        case = a_found_person(self.node, self.world.actors[by], **(GROWN | said))
        return self.with_photo(case, picture, by=by)

    def report(self, picture: bytes | None = None, *, by: str = "requester", **said: Any) -> Case:
        """A report, with one photograph if given; every waiting job is done."""
        case = a_report(self.node, self.world.actors[by], **(SOUGHT | said))
        return case if picture is None else self.with_photo(case, picture, by=by)

    def with_photo(self, case: Case, picture: bytes, *, by: str, role: str = "reference") -> Case:
        a_photo(self.node, self.world.actors[by], case, picture, role=role, taken_on="2026-01")
        worker.run_waiting(self.node, self.matcher)
        return case

    def search(self, request: SearchRequest, picture: bytes, *, by: str = "requester", **said: Any) -> SearchRun:
        """Bring a picture along."""
        reason, narrowing = said.pop("reason", REASON), Narrowing.model_validate(said.pop("narrowed", {}))
        probe = ProbeBytes(picture, **({"taken_on": "2026-02"} | said))
        actor, now = self.world.actors[by], self.node.clock()
        asked = (self.node, self.matcher, actor, request.id, probe)
        return search_probe(*asked, reason=reason, now=now, narrowing=narrowing)

    def searched(self, picture: bytes) -> SearchRun:
        """A search under a new request about a new report that has no picture of its own."""
        case = self.report()
        return self.search(an_open_request(self.node, self.world.requester, case), picture)

    def request_of(self, run: SearchRun) -> SearchRequest:
        """The request a search was made under, as it is now."""
        with self.node.db.read() as session:
            return session.get_one(SearchRequest, run.request_id)

    def rule_out(self, pair: str, *, by: str = "requester", reason: str = "another nose") -> MatchHypothesis:
        with self.node.db.write() as session:
            return hypotheses.rule_out(
                session,
                self.world.actors[by],
                pair,
                reason,
                revision=None,
                settings=self.node.settings,
                now=self.node.clock(),
            )

    def reopen(self, pair: str, *, by: str = "requester") -> MatchHypothesis:
        actor, now = self.world.actors[by], self.node.clock()
        with self.node.db.write() as session:
            return hypotheses.lift_exclusion(session, actor, pair, "look again", revision=None, now=now)


def people(run: SearchRun) -> list[str]:
    """Ids of the cases proposed, best first, of a search about a sought person."""
    return [candidate.hypothesis.found.case_id for candidate in run.candidates]
