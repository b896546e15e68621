"""A reader at the pages, as a browser without scripts would be: cookies, forms with their mark, links."""

import re
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.testclient import TestClient

from api.accounts import passwords
from api.accounts.models import SignIn
from api.kit.node import Node
from api.web.session import LANGUAGE, SESSION
from tests.api.world import World

MARK = re.compile(r'name="form_mark" value="([^"]+)"')
KEY = re.compile(r'name="form_key" value="([^"]+)"')


@dataclass
class Reader:
    """Somebody who is signed in and reads in one language."""

    client: TestClient
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Response:
        return self.client.get(path, headers=self._headers(), follow_redirects=False)

    def post(self, path: str, data: dict[str, object], *, on: str, files: list | None = None) -> Response:
        """Send the form that stands on the page `on`."""
        html = self.get(on).text
        hidden = {"form_mark": MARK.search(html).group(1)}
        if KEY.search(html):
            hidden["form_key"] = KEY.search(html).group(1)
        return self.send(path, {**hidden, **data}, files=files)

    def send(self, path: str, data: dict[str, object], *, files: list | None = None) -> Response:
        """Send exactly these fields."""
        return self.client.post(path, data=data, files=files, headers=self._headers(), follow_redirects=False)

    def _headers(self) -> dict[str, str]:
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}


def signed_in(client: TestClient, node: Node, world: World, who: str, *, language: str = "en") -> Reader:
    """A sign-in as the service would have made it, without the cost of the password."""
    token = passwords.new_token()
    with node.db.write() as session:
        digest, now = passwords.token_digest(token), node.clock()
        session.add(SignIn(token_digest=digest, user_id=world.actors[who].user_id, started_at=now, seen_at=now))
    return Reader(client, {SESSION: token, LANGUAGE: language})
