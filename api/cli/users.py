"""`lighthouse users`: the operator's way to let people in. Nobody has a default password."""

from typing import Annotated

import sqlalchemy as sa
import typer

from api.accounts import service
from api.accounts.models import Organisation
from api.accounts.policy import Role
from api.accounts.schemas import NewOrganisation, NewUser
from api.cli.terminal import Json, answer, opened_node, say
from api.kit.i18n import N_
from api.kit.node import Node
from api.kit.problems import InvalidInput

app = typer.Typer(help="Users: add, disable, token.", no_args_is_help=True)
Login = Annotated[str, typer.Argument(help="Lower-case login.")]


@app.command()
def add(
    login: Login,
    organisation: Annotated[
        str, typer.Option(help="Name of the organisation; made when --type, --level and --region are given.")
    ],
    role: Annotated[list[Role], typer.Option(help="May be given several times.")],
    name: Annotated[str, typer.Option(help="The person's name; the login when empty.")] = "",
    type_: Annotated[
        str, typer.Option("--type", help="shelter, hospital, police, civil_affairs, expert_unit or node.")
    ] = "",
    level: Annotated[str, typer.Option(help="ministry, province, city or county.")] = "",
    region: Annotated[str, typer.Option(help="GB/T 2260 code, six digits.")] = "",
    region_prefix: Annotated[str, typer.Option(help="Regions a coordinator is responsible for; empty: all.")] = "",
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="At least 15 characters.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Let somebody in; asks for the password."""
    with opened_node() as node, node.db.write() as session:
        now = node.clock()
        organisation_id = session.scalar(sa.select(Organisation.id).where(Organisation.name == organisation))
        if organisation_id is None:
            if not (type_ and level and region):
                raise InvalidInput(field="organisation", value=organisation)
            new = NewOrganisation(name=organisation, type=type_, level=level, region=region)
            organisation_id = service.add_organisation(session, new, by=None, now=now).id
        user = service.add_user(
            session,
            NewUser(
                organisation_id=organisation_id,
                login=login,
                name=name or login,
                password=password,
                roles=set(role),
                region_prefix=region_prefix,
            ),
            by=None,
            settings=node.settings,
            now=now,
        )
        facts = {"login": user.login, "id": user.id, "roles": [grant.role for grant in user.grants]}
    if as_json:
        answer(facts)
    else:
        say(N_("%(login)s may sign in now."), login=login)


@app.command()
def disable(login: Login, as_json: Json = False) -> None:
    """Shut somebody out at once."""
    with opened_node() as node, node.db.write() as session:
        service.disable_user(session, login, by=None, now=node.clock())
    if as_json:
        answer({"login": login, "disabled": True})
    else:
        say(N_("%(login)s is shut out; open sign-ins and tokens have ended."), login=login)


@app.command()
def token(
    login: Login,
    label: Annotated[str, typer.Option(help="What the token is for.")],
    days: Annotated[int, typer.Option(min=1, max=365, help="Days until it ends.")] = 90,
    as_json: Json = False,
) -> None:
    """A token for a program; it is shown once."""
    with opened_node() as node:
        text, expires = _issue(node, login, label, days)
    if as_json:
        answer({"token": text, "expires_at": expires})
    else:
        say(N_("%(token)s\nKeep it safe: it is not shown again. It ends on %(expires)s."), token=text, expires=expires)


def _issue(node: Node, login: str, label: str, days: int) -> tuple[str, str]:
    with node.db.write() as session:
        user = service.find_user(session, login)
        row, text = service.issue_token(session, user, label=label, days=days, now=node.clock())
        return text, row.expires_at.date().isoformat()
