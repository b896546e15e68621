"""Signing in and out, locks, tokens, roles: nobody gets in who should not, and nobody learns who exists."""

from datetime import datetime, timedelta

import pytest
from starlette.testclient import TestClient

from api.accounts import service
from api.accounts.passwords import PasswordTooWeak, hash_password
from api.accounts.policy import PERMITTED, Act, Actor, Grant, NotPermitted, NotSignedIn, Role, permit
from api.accounts.regions import check_region, region_name
from api.kit.node import Node
from api.kit.problems import InvalidInput
from tests.api.conftest import TestClock
from tests.api.world import PASSWORD, World


def _sign_in(node: Node, login: str, password: str, now: datetime) -> str | None:
    with node.db.write() as session:
        return service.sign_in(session, login, password, settings=node.settings, now=now)


def _who(node: Node, token: str, now: datetime) -> Actor:
    with node.db.read() as session:
        return service.actor_of_sign_in(session, token, settings=node.settings, now=now)[0]


def _actor(role: Role, prefix: str = "") -> Actor:
    return Actor("u", "n", "o", "police", "510100", "en", (Grant(role, prefix),))


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_exactly_what_its_row_says(role: Role, act: Act) -> None:
    if role in PERMITTED[act]:
        permit(_actor(role), act)
    else:
        with pytest.raises(NotPermitted):
            permit(_actor(role), act)


def test_every_act_has_a_row() -> None:
    assert set(PERMITTED) == set(Act)


def test_who_searches_never_gives_verdicts_and_who_looks_after_secrets_sees_no_face() -> None:
    assert not PERMITTED[Act.SEARCH] & (
        PERMITTED[Act.REVIEW] | PERMITTED[Act.ADJUDICATE] | PERMITTED[Act.VERIFY_IDENTITY]
    )
    faces = PERMITTED[Act.SEE_CASE] | PERMITTED[Act.SEE_CANDIDATES] | PERMITTED[Act.REVIEW]
    assert not faces & {Role.ADMINISTRATOR, Role.AUDITOR, Role.PRIVACY_OFFICER}


def test_a_coordinator_covers_only_granted_regions() -> None:
    assert _actor(Role.COORDINATOR, "51").covers(Role.COORDINATOR, "510100")
    assert not _actor(Role.COORDINATOR, "51").covers(Role.COORDINATOR, "330100")


def test_sign_in_gives_the_actor_of_the_user(node: Node, world: World, now: datetime) -> None:
    token = _sign_in(node, "registrar", PASSWORD, now)
    assert token is not None
    assert _who(node, token, now) == world.registrar


def test_five_wrong_passwords_lock_the_account_for_fifteen_minutes(node: Node, world: World, now: datetime) -> None:
    for _ in range(5):
        assert _sign_in(node, "registrar", "wrong password here", now) is None
    assert _sign_in(node, "registrar", PASSWORD, now + timedelta(minutes=14)) is None
    assert _sign_in(node, "registrar", PASSWORD, now + timedelta(minutes=16)) is not None


@pytest.mark.parametrize("span", [{"minutes": 16}, {"hours": 13}])
def test_a_sign_in_ends_by_silence_and_by_age(node: Node, world: World, now: datetime, span: dict[str, int]) -> None:
    token = _sign_in(node, "registrar", PASSWORD, now)
    assert token is not None
    with pytest.raises(NotSignedIn):
        _who(node, token, now + timedelta(**span))


def test_somebody_who_keeps_working_stays_signed_in(client: TestClient, world: World, clock: TestClock) -> None:
    token = client.post("/v1/sign-in", json={"login": "registrar", "password": PASSWORD}).json()["token"]
    for _ in range(4):
        clock.advance(minutes=10)
        assert client.get("/v1/me", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_a_disabled_user_is_out_at_once(client: TestClient, node: Node, world: World, now: datetime) -> None:
    assert client.get("/v1/me", headers=world.headers("registrar")).status_code == 200
    with node.db.write() as session:
        service.disable_user(session, "registrar", by=world.administrator, now=now)
    answer = client.get("/v1/me", headers=world.headers("registrar"))
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")


def test_an_unknown_login_and_a_wrong_password_get_the_same_answer(client: TestClient, world: World) -> None:
    bodies = [{"login": login, "password": "not the right one"} for login in ("registrar", "nobody.at.all")]
    first, second = (client.post("/v1/sign-in", json=body) for body in bodies)
    assert first.status_code == second.status_code == 401
    assert first.content == second.content


def test_a_token_ends_and_can_be_revoked(client: TestClient, world: World, clock: TestClock) -> None:
    issued = client.post("/v1/tokens", json={"label": "script", "days": 1}, headers=world.headers("requester")).json()
    headers = {"authorization": f"Bearer {issued['token']}"}
    assert client.get("/v1/me", headers=headers).status_code == 200
    assert client.delete(f"/v1/tokens/{issued['id']}", headers=world.headers("registrar")).status_code == 404
    clock.advance(hours=25)
    assert client.get("/v1/me", headers=headers).status_code == 401


@pytest.mark.parametrize("password", ["short", "registrar registrar", "aaaaaaaaaaaaaaaaaaaa", "x" * 300])
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(PasswordTooWeak):
        hash_password(password, login="registrar", min_length=15)


def test_only_an_administrator_adds_users(client: TestClient, world: World) -> None:
    body = {
        "organisation_id": world.organisations["police"],
        "login": "new.officer",
        "name": "新警官",
        "password": "a long enough passphrase",
        "roles": ["requester"],
    }
    assert client.post("/v1/users", json=body, headers=world.headers("requester")).json()["code"] == "not-permitted"
    made = client.post("/v1/users", json=body, headers=world.headers("administrator"))
    assert (made.status_code, made.json()["roles"]) == (201, ["requester"])
    again = client.post("/v1/users", json=body, headers=world.headers("administrator"))
    assert (again.status_code, again.json()["code"]) == (409, "name-taken")


@pytest.mark.parametrize("code", ["990000", "33010", "3301000", "３３０１００", "abcdef"])
def test_an_impossible_region_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput):
        check_region(code)


def test_a_region_is_named_in_the_readers_language() -> None:
    assert region_name("330000", "en") == "Zhejiang"
    assert region_name("330100", "zh_Hans") == "浙江省 330100"


def test_only_the_auditor_reads_the_audit(client: TestClient, world: World) -> None:
    assert client.get("/v1/audit", headers=world.headers("administrator")).status_code == 403
    chain = client.get("/v1/audit/chain", headers=world.headers("auditor")).json()
    assert chain["entries"] > 0
    assert chain["broken_at"] is None
