"""What comes in and goes out of the reunions room as JSON."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, StringConstraints

from api.kit.i18n import N_
from api.kit.text import Body, Line, OptionalLine, Paragraph, Reason

Kind = Literal["family_interview", "household", "dna", "document", "fingerprint", "video_call"]
Result = Literal["matches", "does_not_match", "inconclusive"]
Wish = Literal["agreed", "no_capacity", "child", "declined"]
FollowUpOutcome = Literal["well", "needs_help", "not_reached", "missing_again"]
Region = Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]

KINDS: dict[str, str] = {
    "family_interview": N_("Interview with the family"),
    "household": N_("Household register"),
    "dna": N_("DNA"),
    "document": N_("Document"),
    "fingerprint": N_("Fingerprint"),
    "video_call": N_("Video call"),
}
RESULTS: dict[str, str] = {
    "matches": N_("It is this person"),
    "does_not_match": N_("It is not this person"),
    "inconclusive": N_("It does not say"),
}
WISHES: dict[str, str] = {
    "agreed": N_("The person was asked and agreed"),
    "no_capacity": N_("The person cannot decide; a guardian did"),
    "child": N_("The person is a child; a guardian decided"),
    "declined": N_("The person does not want contact"),
}
OUTCOMES: dict[str, str] = {
    "well": N_("The person is well"),
    "needs_help": N_("The person needs help"),
    "not_reached": N_("Nobody was reached"),
    "missing_again": N_("The person is missing again"),
}
STILL_NEEDED: dict[str, str] = {
    "dna": N_("A DNA result is still needed."),
    "not-a-face": N_("A check that does not rest on the face is still needed."),
}


class NewVerification(Body):
    """A check of identity: which authority said what, and under which number it can be found there."""

    kind: Kind
    result: Result
    authority: Line
    reference: OptionalLine = ""
    revision: int | None = None


class VerificationOut(BaseModel):
    id: str
    kind: str
    result: str
    authority: str
    reference: str
    recorded_at: datetime
    counts: bool


class VerificationRecordedOut(BaseModel):
    """The check, the pair's state after it, and what is still needed before the identity is confirmed."""

    verification: VerificationOut
    hypothesis_id: str
    state: str
    revision: int
    still_needed: list[str]
    because: list[str]
    sentences: list[str]


class VerificationsOut(BaseModel):
    items: list[VerificationOut]
    still_needed: list[str]
    because: list[str]
    sentences: list[str]


class UndoConfirmation(Body):
    reason: Reason
    revision: int | None = None


class HypothesisStateOut(BaseModel):
    hypothesis_id: str
    state: str
    revision: int


class NewReunification(Body):
    """The handover. `wish` says how the found person's own will was heard; an adult with capacity is asked first."""

    handed_over_on: date
    region: Region
    wish: Wish
    note: Paragraph = ""
    revision: int | None = None


class FollowUpOut(BaseModel):
    id: str
    reunification_id: str
    due_on: date
    done_at: datetime | None
    outcome: str | None
    note: str


class FollowUpsOut(BaseModel):
    items: list[FollowUpOut]


class ReunificationOut(BaseModel):
    id: str
    hypothesis_id: str
    handed_over_on: date
    region: str
    wish: str
    note: str
    follow_ups: list[FollowUpOut]


class FollowUpReport(Body):
    """What was found on looking in; `not_reached` leaves the follow-up due."""

    outcome: FollowUpOutcome
    note: Paragraph = ""


class Closing(Body):
    revision: int | None = None


class ClosedOut(BaseModel):
    case_id: str
    state: str
    revision: int
