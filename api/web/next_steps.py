"""What should happen next on a case, for one reader: one sentence, and one act where the reader may do it.

Pure; never decides whether an act is allowed: it only proposes what the services would admit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from api.accounts.policy import Act, Actor
from api.cases.models import Case, Photo
from api.cases.photos import ENROLLED_ROLES
from api.cases.states import SEARCHABLE
from api.kit.i18n import N_
from api.requests.models import SearchRequest
from api.requests.states import OPEN
from api.search.models import MatchHypothesis


@dataclass(frozen=True)
class Step:
    """A sentence, and where it is done: the words on the button and its address, both empty when others act."""

    says: str
    do: str = ""
    link: str = ""


@dataclass(frozen=True)
class Look:
    """What the next step is read from."""

    actor: Actor
    case: Case
    own: bool
    photos: Sequence[Photo]
    requests: Sequence[SearchRequest]
    pairs: Sequence[MatchHypothesis]
    searched: bool


# The pair that has come furthest decides; "by" is the act of whoever is waited for.
PAIR_STEPS: tuple[tuple[str, Act, str, str], ...] = (
    ("confirmed", Act.HAND_OVER,
     N_("The identity is confirmed. The liaison asks the person what they wish and prepares the way home."),
     N_("Prepare the handover")),
    ("verifying", Act.VERIFY_IDENTITY,
     N_("The identity is being verified by something that is not a face."), N_("Record a verification")),
    ("supported", Act.VERIFY_IDENTITY,
     N_("The reviewers agree. Now the identity must be verified by something that is not a face."),
     N_("Record a verification")),
    ("discordant", Act.ADJUDICATE, N_("The reviewers disagree. An adjudicator settles it."), N_("Open the pair")),
    ("in_review", Act.INVITE_REVIEWER,
     N_("Reviewers are comparing the faces. You will be told when they have concluded."), N_("Open the pair")),
    ("screened", Act.INVITE_REVIEWER,
     N_("A candidate is worth a review. The coordinator invites reviewers."), N_("Invite reviewers")),
    ("proposed", Act.SCREEN_CANDIDATE,
     N_("Somebody looks like this person. Compare the two faces and say whether it is worth a review."),
     N_("Compare the faces")),
    ("reopened", Act.SCREEN_CANDIDATE,
     N_("A pair is open again. Compare the two faces and say whether it is worth a review."),
     N_("Compare the faces")),
)  # fmt: skip
CASE_STEPS: dict[str, str] = {
    "home": N_("The person is at home. Somebody looks in on the days below."),
    "resolved": N_("The report is resolved. It is closed after somebody has looked in."),
    "followed_up": N_("Somebody has looked in. The case can be closed."),
}


def next_step(look: Look) -> Step | None:
    """The one thing to do now, or None when the case has ended."""
    if look.case.state in CASE_STEPS:
        return Step(CASE_STEPS[look.case.state])
    if look.case.state not in SEARCHABLE[look.case.kind] and not _furthest(look):
        return None
    return _about_photos(look) or _about_pair(look) or _about_search(look)


def _about_photos(look: Look) -> Step | None:
    if not look.own:
        return None
    states = {photo.state: photo for photo in reversed(look.photos) if photo.role in ENROLLED_ROLES}
    choice = next((photo for photo in look.photos if photo.state == "needs_choice"), None)
    if choice is not None and look.actor.may(Act.CHOOSE_FACE):
        says = N_("A picture shows several faces. Say which one is meant; until then this person cannot be found.")
        return Step(says, N_("Choose the face"), f"/photos/{choice.id}/faces")
    if "enrolled" in states or look.pairs:
        return None
    if "received" in states:
        return Step(N_("The pictures are being examined. This takes a few seconds."), N_("Look again"), _link(look))
    says = N_("There is no picture yet in which a face was found. Add one: from the front, large, in good light.")
    if states:
        return Step(says, N_("Add a picture"), "#add-photo")
    return Step(
        N_("There is no picture yet. Without a face nobody can be compared."), N_("Add a picture"), "#add-photo"
    )


def _furthest(look: Look) -> tuple[MatchHypothesis, Act, str, str] | None:
    for state, act, says, do in PAIR_STEPS:
        pair = next((pair for pair in look.pairs if pair.state == state), None)
        if pair is not None:
            return pair, act, says, do
    return None


def _about_pair(look: Look) -> Step | None:
    furthest = _furthest(look)
    if furthest is None:
        return None
    pair, act, says, do = furthest
    if look.actor.may(act) or look.actor.may(Act.SEE_CANDIDATES):
        return Step(says, do if look.actor.may(act) else N_("Open the pair"), f"/hypotheses/{pair.id}")
    return Step(says)


def _about_search(look: Look) -> Step | None:
    submitted = next((request for request in look.requests if request.state == "submitted"), None)
    returned = next((request for request in look.requests if request.state == "returned_for_info"), None)
    opened = next((request for request in look.requests if request.state in OPEN), None)
    if returned is not None and look.own:
        says = N_("The coordinator sent the request back and asks for more.")
        return Step(says, N_("Open the request"), f"/requests/{returned.id}")
    if submitted is not None and not look.own and look.actor.may(Act.TRIAGE_REQUEST):
        return Step(N_("A request waits for you."), N_("Open the request"), f"/requests/{submitted.id}")
    if opened is not None and not look.searched and look.own and look.actor.may(Act.SEARCH):
        says = N_("The request is open. Search all regions now.")
        return Step(says, N_("Search now"), f"/requests/{opened.id}/search")
    if opened is None and look.own and look.actor.may(Act.RAISE_REQUEST):
        says = N_(
            "Every new face is compared with this one by itself. To ask other regions and experts, raise a request."
        )
        return Step(says, N_("Raise a request"), f"/cases/{look.case.id}/request")
    return Step(
        N_("Nobody similar so far. The search goes on by itself, and you are told as soon as there is somebody.")
    )


def _link(look: Look) -> str:
    return f"/cases/{look.case.id}"
