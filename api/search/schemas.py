"""What goes in and out of the search room as JSON. No field holds a cosine, a nominal value or a template."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from api.kit.text import Body, Paragraph

Event = Literal["screen", "park", "rule_out", "reopen"]


class HypothesisEvent(Body):
    """A step somebody takes by hand; ruling out and reopening need a reason."""

    event: Event
    reason: Paragraph = ""
    revision: int | None = None


class LikelihoodOut(BaseModel):
    """What a comparison is worth, in words; `ratio` is null where the calibration may not speak."""

    band: str
    sentence: str
    ratio: str | None
    age_gap_years: float | None
    gallery_persons: int
    strangers: str | None  # None outside the calibrated range: how alike strangers look there is not known
    uncalibrated_because: str | None
    uncalibrated: str | None


class NarrowedOut(BaseModel):
    """Whom a search was narrowed to, as it was asked, and the years of birth that an age came to."""

    sentence: str
    sex: int | None
    age_from: int | None
    age_to: int | None
    born_from: int | None
    born_to: int | None
    seen_from: str | None
    seen_to: str | None


class CoverageOut(BaseModel):
    """Where a search looked and among whom; `gallery_persons` counts those it was narrowed to.

    `nobody` is said only of a search that did look; one that could not is a problem.
    """

    outcome: Literal["candidates", "nobody"]
    sentence: str
    regions_asked: list[str]
    regions_answered: list[str]
    regions_failed: list[str]
    narrowed: NarrowedOut | None
    gallery_persons: int
    gallery_revision: int
    contract: str
    calibration: str


class SideOut(BaseModel):
    """One person of a pair as the reader may know them; what is withheld is null."""

    side: Literal["found", "sought"]
    own: bool
    sex: int
    age_low: int | None
    age_high: int | None
    region: str
    organisation: str
    revealed: bool
    case_id: str | None
    name: str | None
    place: str | None
    contact: str | None


class HypothesisOut(BaseModel):
    id: str
    state: str
    revision: int
    proposed_at: datetime
    updated_at: datetime
    found: SideOut
    sought: SideOut
    likelihood: LikelihoodOut


class CandidateOut(BaseModel):
    """What one search showed at one rank; the pair may have moved on since."""

    rank: int
    hypothesis_id: str
    state: str
    person: SideOut
    likelihood: LikelihoodOut


class SearchOut(BaseModel):
    id: str
    kind: str
    request_id: str | None
    case_id: str
    person_id: str
    face_id: str
    purpose: str
    reason: str
    started_at: datetime
    ended_at: datetime
    coverage: CoverageOut
    candidates: list[CandidateOut]


class HypothesisListOut(BaseModel):
    items: list[HypothesisOut]
