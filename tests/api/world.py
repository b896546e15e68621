"""A small country: organisations of several provinces and one user of every role, each with a bearer token."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from api.accounts import passwords
from api.accounts import service as accounts
from api.accounts.models import RoleGrant, User
from api.accounts.policy import Actor, Role
from api.accounts.schemas import NewOrganisation
from api.kit import ids
from api.kit.node import Node

PASSWORD = "correct horse battery staple"
ORGANISATIONS = {
    "shelter": ("杭州市救助管理站", "shelter", "city", "330100"),
    "police": ("成都市公安局", "police", "city", "510100"),
    "police2": ("广州市公安局", "police", "city", "440100"),
    "ministry": ("民政部社会事务司", "civil_affairs", "ministry", "000000"),
    "experts_a": ("上海人像鉴定中心", "expert_unit", "province", "310000"),
    "experts_b": ("湖北人像鉴定中心", "expert_unit", "province", "420000"),
    "operator": ("平台运行中心", "node", "ministry", "000000"),
}
USERS = {
    "registrar": ("shelter", Role.REGISTRAR),
    "lead": ("shelter", Role.STATION_LEAD),
    "requester": ("police", Role.REQUESTER),
    "requester2": ("police2", Role.REQUESTER),
    "coordinator": ("ministry", Role.COORDINATOR),
    "expert_a": ("experts_a", Role.EXPERT),
    "expert_b": ("experts_b", Role.EXPERT),
    "expert_c": ("experts_b", Role.EXPERT),
    "expert_police": ("police", Role.EXPERT),
    "adjudicator": ("experts_a", Role.ADJUDICATOR),
    "verifier": ("police", Role.VERIFIER),
    "liaison": ("shelter", Role.LIAISON),
    "liaison_police": ("police", Role.LIAISON),
    "privacy_officer": ("ministry", Role.PRIVACY_OFFICER),
    "auditor": ("ministry", Role.AUDITOR),
    "administrator": ("operator", Role.ADMINISTRATOR),
}


@dataclass
class World:
    """Actors by name, organisation ids by name, tokens by name."""

    organisations: dict[str, str] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Actor:
        try:
            return self.__dict__["actors"][name]
        except KeyError:
            raise AttributeError(name) from None

    def token(self, name: str) -> str:
        return self.tokens[name]

    def headers(self, name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens[name]}"}


def build_world(node: Node) -> World:
    """Everybody, in one transaction."""
    world, now = World(), node.clock()
    with node.db.write() as session:
        for key, (name, kind, level, region) in ORGANISATIONS.items():
            new = NewOrganisation(name=name, type=kind, level=level, region=region)
            world.organisations[key] = accounts.add_organisation(session, new, by=None, now=now).id
        for login, (organisation, role) in USERS.items():
            user = _user(login, world.organisations[organisation], role, now=now)
            session.add(user)
            session.flush()
            session.refresh(user)
            _, world.tokens[login] = accounts.issue_token(session, user, label="tests", days=30, now=now)
            world.actors[login] = accounts.actor_of(user, now=now)
    return world


@lru_cache
def _password_hash() -> str:
    """argon2id takes its time by design; one hash serves all users of a run."""
    return passwords.hash_password(PASSWORD, login="nobody", min_length=15)


def _user(login: str, organisation: str, role: Role, *, now: datetime) -> User:
    grant = RoleGrant(id=ids.new_id(now), role=role.value, region_prefix="", valid_from=now, valid_until=None)
    return User(
        id=ids.new_id(now),
        organisation_id=organisation,
        login=login.replace("_", "."),
        name=login,
        password_hash=_password_hash(),
        language="en",
        created_at=now,
        grants=[grant],
    )
