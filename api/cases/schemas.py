"""What comes in and goes out of the cases room as JSON. Never carries a picture or a template."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from api.kit.text import Body, Line, OptionalLine, Paragraph, PartialDate, Reason

Sex = Literal[0, 1, 2, 9]  # GB/T 2261.1: unknown, male, female, not stated
LegalBasis = Literal["statutory_duty", "emergency", "consent"]
Communication = Literal["unknown", "speaks", "writes", "signs", "gestures", "none"]
Category = Literal["stranded", "dementia", "disability", "abducted", "other"]
Cause = Literal["unknown", "wandered_off", "lost_in_crowd", "taken", "left", "disaster", "other"]
PhotoRole = Literal["capture", "probe", "reference", "id_photo", "relative", "synthetic"]
Region = Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]
Age = Annotated[int, Field(ge=0, le=130)]


def _in_calendar(value: str) -> str:
    year, month, day = (*(int(part) for part in value.split("-")), 1, 1)[:3] if value else (1900, 1, 1)
    if year < 1850:
        raise ValueError("too long ago")
    date(year, month, day)
    return value


DateSaid = Annotated[PartialDate, AfterValidator(_in_calendar)]
OptionalDate = Annotated[
    str, StringConstraints(pattern=r"^([0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?)?$"), AfterValidator(_in_calendar)
]


class PersonSaid(Body):
    """What is known of one human being.

    An age range without `described_on` counts from the day of registering for a found person and from the
    separation for a sought one.
    """

    name: OptionalLine = ""
    sex: Sex = 0
    birth_date: OptionalDate = ""
    age_low: Age | None = None
    age_high: Age | None = None
    described_on: OptionalDate = ""
    marks: Paragraph = ""

    @model_validator(mode="after")
    def ages_in_order(self) -> "PersonSaid":
        if (self.age_low is None) != (self.age_high is None):
            raise ValueError("an age range has two ends")
        if self.age_low is not None and self.age_high is not None and self.age_low > self.age_high:
            raise ValueError("the lower age comes first")
        return self


class NewFoundPerson(Body):
    """Somebody in custody; without `region` the organisation's own counts."""

    person: PersonSaid = Field(default_factory=PersonSaid)
    region: Region | None = None
    legal_basis: LegalBasis = "statutory_duty"
    found_on: DateSaid
    found_place: OptionalLine = ""
    dialect: OptionalLine = ""
    communication: Communication = "unknown"
    clothing: Paragraph = ""
    belongings: Paragraph = ""
    protect_location: bool = True


class NewMissingReport(Body):
    """What an inquirer tells about one or several missing persons."""

    persons: Annotated[list[PersonSaid], Field(min_length=1, max_length=20)]
    region: Region | None = None
    legal_basis: LegalBasis = "statutory_duty"
    inquirer: Line
    relation: OptionalLine = ""
    contact: OptionalLine = ""
    police_case_number: OptionalLine = ""
    category: Category
    high_risk: bool = False
    separated_on: OptionalDate = ""
    separated_place: OptionalLine = ""
    cause: Cause = "unknown"


class PersonChanges(Body):
    """New words about one person of a case; a field that is not sent stays."""

    id: str
    name: OptionalLine | None = None
    sex: Sex | None = None
    birth_date: OptionalDate | None = None
    age_low: Age | None = None
    age_high: Age | None = None
    described_on: OptionalDate | None = None
    marks: Paragraph | None = None


class CaseChanges(Body):
    """New words about a case; a field that is not sent stays. `revision` is the one that was read."""

    revision: int
    persons: Annotated[list[PersonChanges], Field(max_length=20)] = Field(default_factory=list)
    found_on: DateSaid | None = None
    found_place: OptionalLine | None = None
    dialect: OptionalLine | None = None
    communication: Communication | None = None
    clothing: Paragraph | None = None
    belongings: Paragraph | None = None
    protect_location: bool | None = None
    inquirer: Line | None = None
    relation: OptionalLine | None = None
    contact: OptionalLine | None = None
    police_case_number: OptionalLine | None = None
    category: Category | None = None
    high_risk: bool | None = None
    separated_on: OptionalDate | None = None
    separated_place: OptionalLine | None = None
    cause: Cause | None = None


class CaseEvent(Body):
    """Something that happened to a case."""

    event: Annotated[str, StringConstraints(pattern="^[a-z_]{1,40}$")]
    revision: int | None = None
    note: Reason | None = None


class PhotoSaid(Body):
    """What the person who adds a picture says about it."""

    role: PhotoRole
    taken_on: OptionalDate = ""
    source: OptionalLine = ""


class PersonOut(BaseModel):
    id: str
    kind: str
    name: str
    sex: int
    birth_date: str
    age_low: int | None
    age_high: int | None
    described_on: str
    marks: str


class CaseOut(BaseModel):
    """A case as its reader may see it; fields of the other kind, and those withheld from this reader, are null."""

    id: str
    public_id: str
    kind: str
    state: str
    revision: int
    region: str
    organisation_id: str
    organisation: str
    legal_basis: str
    created_at: datetime
    updated_at: datetime
    persons: list[PersonOut]
    possible_events: list[str]
    found_on: str | None = None
    found_place: str | None = None
    dialect: str | None = None
    communication: str | None = None
    clothing: str | None = None
    belongings: str | None = None
    protect_location: bool | None = None
    inquirer: str | None = None
    relation: str | None = None
    contact: str | None = None
    police_case_number: str | None = None
    category: str | None = None
    high_risk: bool | None = None
    separated_on: str | None = None
    separated_place: str | None = None
    cause: str | None = None
    resolution: str | None = None


class PhotoOut(BaseModel):
    id: str
    case_id: str
    person_id: str
    role: str
    state: str
    width: int
    height: int
    taken_on: str
    source: str
    added_at: datetime


class TimelineEntryOut(BaseModel):
    """One act; who did it and why is told to colleagues and to the coordinators of the region."""

    seq: int
    at: datetime
    act: str
    organisation_id: str | None
    user_id: str | None
    reason: str | None
    facts: dict[str, Any]


class TimelineOut(BaseModel):
    items: list[TimelineEntryOut]
    next_after: int | None
