"""What comes in and goes out of the accounts room as JSON."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from api.accounts.policy import Role
from api.kit.text import Body, Line, Login

ORGANISATION_TYPES = ("shelter", "hospital", "police", "civil_affairs", "expert_unit", "node")
LEVELS = ("ministry", "province", "city", "county")
RegionPrefix = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}){0,3}$")]


class SignInBody(Body):
    login: Login
    password: Annotated[str, StringConstraints(max_length=256)]


class SignInOut(BaseModel):
    token: str


class NewOrganisation(Body):
    name: Line
    type: str
    level: str
    region: str


class NewUser(Body):
    organisation_id: str
    login: Login
    name: Line
    password: Annotated[str, StringConstraints(max_length=256)]
    roles: Annotated[set[Role], Field(min_length=1)]
    region_prefix: RegionPrefix = ""
    language: Annotated[str, StringConstraints(pattern="^(en|zh_Hans)$")] = "zh_Hans"


class NewToken(Body):
    label: Line
    days: Annotated[int, Field(ge=1, le=365)] = 90


class OrganisationOut(BaseModel):
    id: str
    name: str
    type: str
    level: str
    region: str


class UserOut(BaseModel):
    id: str
    login: str
    name: str
    organisation_id: str
    roles: list[str]
    disabled: bool


class MeOut(BaseModel):
    user_id: str
    name: str
    organisation_id: str
    region: str
    roles: list[str]
    language: str


class TokenOut(BaseModel):
    id: str
    label: str
    expires_at: datetime
    token: str
