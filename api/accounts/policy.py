"""The whole permission table as one pure function. A role not in a row may not; there is no default.

Which records of a kind somebody may see is each room's own policy; which acts a role may do stands here.
"""

from dataclasses import dataclass
from enum import StrEnum

from api.kit.problems import Refusal


class Role(StrEnum):
    REGISTRAR = "registrar"
    STATION_LEAD = "station_lead"
    REQUESTER = "requester"
    COORDINATOR = "coordinator"
    EXPERT = "expert"
    ADJUDICATOR = "adjudicator"
    VERIFIER = "verifier"
    LIAISON = "liaison"
    PRIVACY_OFFICER = "privacy_officer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Act(StrEnum):
    REGISTER_FOUND = "register-found"
    FILE_REPORT = "file-report"
    SEE_CASE = "see-case"
    EDIT_CASE = "edit-case"
    VERIFY_REPORT = "verify-report"
    ADD_PHOTO = "add-photo"
    CHOOSE_FACE = "choose-face"
    RAISE_REQUEST = "raise-request"
    TRIAGE_REQUEST = "triage-request"
    SEE_REQUEST = "see-request"
    SEARCH = "search"
    SEE_CANDIDATES = "see-candidates"
    SCREEN_CANDIDATE = "screen-candidate"
    RULE_OUT = "rule-out"
    INVITE_REVIEWER = "invite-reviewer"
    REVIEW = "review"
    ADJUDICATE = "adjudicate"
    VERIFY_IDENTITY = "verify-identity"
    HAND_OVER = "hand-over"
    FOLLOW_UP = "follow-up"
    CLOSE_CASE = "close-case"
    READ_NOTICES = "read-notices"
    READ_AUDIT = "read-audit"
    MANAGE_ACCOUNTS = "manage-accounts"
    MANAGE_OWN_TOKENS = "manage-own-tokens"


EVERYBODY = frozenset(Role)
STATION = frozenset({Role.REGISTRAR, Role.STATION_LEAD})
CASE_WORKERS = STATION | {Role.REQUESTER}

PERMITTED: dict[Act, frozenset[Role]] = {
    Act.REGISTER_FOUND: STATION,
    Act.FILE_REPORT: frozenset({Role.REQUESTER}),
    Act.SEE_CASE: CASE_WORKERS | {Role.COORDINATOR, Role.VERIFIER, Role.LIAISON},
    Act.EDIT_CASE: CASE_WORKERS,
    Act.VERIFY_REPORT: frozenset({Role.REQUESTER}),
    Act.ADD_PHOTO: CASE_WORKERS,
    Act.CHOOSE_FACE: CASE_WORKERS,
    Act.RAISE_REQUEST: CASE_WORKERS,
    Act.TRIAGE_REQUEST: frozenset({Role.COORDINATOR}),
    Act.SEE_REQUEST: CASE_WORKERS | {Role.COORDINATOR},
    Act.SEARCH: CASE_WORKERS,
    Act.SEE_CANDIDATES: CASE_WORKERS | {Role.COORDINATOR, Role.VERIFIER, Role.LIAISON},
    Act.SCREEN_CANDIDATE: CASE_WORKERS | {Role.COORDINATOR},
    Act.RULE_OUT: CASE_WORKERS,
    Act.INVITE_REVIEWER: frozenset({Role.COORDINATOR}),
    Act.REVIEW: frozenset({Role.EXPERT}),
    Act.ADJUDICATE: frozenset({Role.ADJUDICATOR}),
    Act.VERIFY_IDENTITY: frozenset({Role.VERIFIER}),
    Act.HAND_OVER: frozenset({Role.LIAISON}),
    Act.FOLLOW_UP: frozenset({Role.LIAISON}),
    Act.CLOSE_CASE: frozenset({Role.STATION_LEAD, Role.COORDINATOR}),
    Act.READ_NOTICES: EVERYBODY,
    Act.READ_AUDIT: frozenset({Role.AUDITOR}),
    Act.MANAGE_ACCOUNTS: frozenset({Role.ADMINISTRATOR}),
    Act.MANAGE_OWN_TOKENS: EVERYBODY,
}


class NotSignedIn(Refusal):
    """Nobody is signed in, or the sign-in has ended."""

    code = "not-signed-in"


class NotPermitted(Refusal):
    """The role does not allow this act."""

    code = "not-permitted"


@dataclass(frozen=True)
class Grant:
    """A role within regions that begin with a prefix (empty: everywhere)."""

    role: Role
    region_prefix: str


@dataclass(frozen=True)
class Actor:
    """Who acts: the signed-in user, the organisation, and the grants valid now."""

    user_id: str
    name: str
    organisation_id: str
    organisation_type: str
    organisation_region: str
    language: str
    grants: tuple[Grant, ...]

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(grant.role for grant in self.grants)

    def may(self, act: Act) -> bool:
        """Whether any of the actor's roles allows the act at all."""
        return not self.roles.isdisjoint(PERMITTED[act])

    def covers(self, role: Role, region: str) -> bool:
        """Whether the actor holds `role` for that region."""
        return any(grant.role == role and region.startswith(grant.region_prefix) for grant in self.grants)


def permit(actor: Actor, act: Act) -> None:
    """Return when the actor's roles allow the act, else raise NotPermitted."""
    if not actor.may(act):
        raise NotPermitted(act=act.value)
