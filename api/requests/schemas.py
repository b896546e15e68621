"""What comes in and goes out of the requests room as JSON."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from api.kit.text import Body, Paragraph, Reason

RegionPrefix = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6})$")]
Urgency = Literal["routine", "urgent", "hours"]


class NewRequest(Body):
    """What is asked of the others; `regions` are GB/T 2260 codes or their first two or four digits.

    No regions means everywhere.
    """

    purpose: Annotated[str, StringConstraints(max_length=40)]
    reason: Reason
    urgency: Urgency = "routine"
    regions: Annotated[list[RegionPrefix], Field(max_length=40)] = Field(default_factory=list)


class RequestEvent(Body):
    """A step somebody takes by hand: triage, return_for_info, submit or close."""

    event: Annotated[str, StringConstraints(max_length=40)]
    revision: int | None = None
    note: Paragraph = ""


class RequestOut(BaseModel):
    id: str
    case_id: str
    organisation_id: str
    purpose: str
    reason: str
    urgency: str
    regions: list[str]
    state: str
    revision: int
    created_at: datetime
    updated_at: datetime
