"""One person of the demonstration at the other end of the line: calls the service and waits for what it does."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx2

PATIENCE_S = 60
REASON = "演示：家属寻找"
Answer = dict[str, Any]


class StoryBroken(Exception):
    """The service answered something that the story cannot go on from."""


class Line:
    """Calls in the name of any login; an answer that is not the expected one breaks the story."""

    def __init__(self, http: httpx2.Client, tokens: Mapping[str, str]) -> None:
        self._http = http
        self._tokens = tokens

    def wait(self, look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (seen := look()):
            if time.monotonic() > deadline:
                raise StoryBroken("waited too long")
            time.sleep(0.1)
        return seen

    def send(self, login: str, path: str, form: Answer, *, files: Answer | None = None, expect: int = 201) -> Answer:
        return self._answer(self._http.post(path, data=form, files=files, headers=self._as(login)), expect)

    def get(self, login: str, path: str) -> Answer:
        return self._answer(self._look(login, path), 200)

    def look_at_picture(self, login: str, path: str) -> None:
        """Open a picture as its reader does; the service remembers it."""
        if self._look(login, path).headers["content-type"] != "image/jpeg":
            raise StoryBroken(path)

    def _look(self, login: str, path: str) -> httpx2.Response:
        return self._http.get(path, params={"reason": REASON}, headers=self._as(login))

    def post(self, login: str, path: str, body: Answer, *, expect: int = 201) -> Answer:
        return self._answer(self._http.post(path, json=body, headers=self._as(login)), expect)

    def _as(self, login: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._tokens[login]}"}

    def _answer(self, response: httpx2.Response, expected: int) -> Answer:
        if response.status_code != expected:
            raise StoryBroken(
                f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text[:400]}"
            )
        body: Answer = response.json()
        return body
