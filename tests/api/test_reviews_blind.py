"""What a reviewer gets over HTTP holds no score, no name and no other review before submitting."""

import json
from collections.abc import Iterator

from starlette.testclient import TestClient

from api.kit.node import Node
from tests.api import pairs
from tests.api.world import World

FORBIDDEN = ("score", "cosine", "lr", "likelihood", "ratio", "rank", "name", "contact", "place", "case", "reviewer")
CONCLUSION = {
    "suitability_found": "suitable",
    "suitability_sought": "limited",
    "features": {"ears": "similar", "nose": "similar"},
    "conclusion": 2,
    "limits": "low light",
}


def fields(value: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every leaf of an answer with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from fields(inner, f"{prefix}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, prefix)
    else:
        yield prefix, value


def leaks(answer: dict[str, object], pair: pairs.Pair) -> list[str]:
    """Fields and values a reviewer must not get."""
    leaves = list(fields(answer))
    named = [
        path
        for path, value in leaves
        if value is not None and any(word in path.split(".")[-1].split("_") for word in FORBIDDEN)
    ]
    text = json.dumps(answer, ensure_ascii=False)
    secrets = (*pairs.PRIVATE, pair.hypothesis, pair.found_case, pair.report, pair.request, "4.25", "strong")
    return named + [secret for secret in secrets if secret in text]


def get(client: TestClient, world: World, who: str, path: str) -> dict[str, object]:
    answer = client.get(path, headers=world.headers(who))
    assert answer.status_code == 200, answer.text
    return answer.json()


def look_and_submit(client: TestClient, world: World, who: str, review: str) -> dict[str, object]:
    """Open both pictures, then conclude."""
    for side in ("found", "sought"):
        picture = client.get(f"/v1/reviews/{review}/images/{side}", headers=world.headers(who))
        assert picture.status_code == 200, picture.text
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.headers["cache-control"] == "no-store"
    answer = client.post(f"/v1/reviews/{review}/submission", json=CONCLUSION, headers=world.headers(who))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_nothing_leaks_before_submitting(client: TestClient, node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    mine, other = (pairs.invite(node, world, pair, who) for who in ("expert_a", "expert_b"))
    pairs.submit(node, world, other, "expert_b", -3)
    for path in (f"/v1/reviews/{mine}", "/v1/reviews", "/v1/reviews?waiting=true", "/v1/notices"):
        assert leaks(get(client, world, "expert_a", path), pair) == []
    seen = get(client, world, "expert_a", f"/v1/reviews/{mine}")
    assert (seen["band"], seen["conclusion"], seen["outcome"], seen["earlier"]) == (None, None, None, [])


def test_pictures_carry_nothing_but_a_face(client: TestClient, node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    review = pairs.invite(node, world, pair, "expert_a")
    answer = client.get(f"/v1/reviews/{review}/images/found", headers=world.headers("expert_a"))
    headers = " ".join(f"{key}: {value}" for key, value in answer.headers.items())
    assert not [each for each in (pair.hypothesis, pair.found_case, pair.report) if each in headers]
    assert b"Exif" not in answer.content


def test_band_is_told_after_submitting_and_the_outcome_after_all(client: TestClient, node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    mine, other = (pairs.invite(node, world, pair, who) for who in ("expert_a", "expert_b"))
    answer = look_and_submit(client, world, "expert_a", mine)
    assert (answer["band"], answer["outcome"]) == ("strong", None)
    look_and_submit(client, world, "expert_b", other)
    assert get(client, world, "expert_a", f"/v1/reviews/{mine}")["outcome"] == "supported"


def test_reviewer_reaches_neither_the_pair_nor_its_cases(client: TestClient, node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.invite(node, world, pair, "expert_a")
    paths = [
        f"/v1/hypotheses/{pair.hypothesis}?reason=looking",
        f"/v1/cases/{pair.report}",
        f"/v1/requests/{pair.request}",
    ]
    paths += [f"/v1/hypotheses/{pair.hypothesis}/reviews", f"/v1/cases/{pair.found_case}/timeline"]
    answers = [client.get(path, headers=world.headers("expert_a")) for path in paths]
    assert {answer.status_code for answer in answers} <= {403, 404}


def test_the_two_sides_see_no_conclusion_before_all_are_in(client: TestClient, node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    mine, other = (pairs.invite(node, world, pair, who) for who in ("expert_a", "expert_b"))
    pairs.submit(node, world, mine, "expert_a", 3)
    path = f"/v1/hypotheses/{pair.hypothesis}/reviews"
    before = get(client, world, "requester", path)
    assert before == {"needed": 2, "invited": 2, "submitted": 1, "concluded": []}
    timeline = get(client, world, "requester", f"/v1/cases/{pair.report}/timeline")
    assert "conclusion" not in json.dumps(timeline)
    pairs.submit(node, world, other, "expert_b", 1)
    assert {each["conclusion"] for each in get(client, world, "requester", path)["concluded"]} == {3, 1}


def test_adjudicator_reads_both_reviews_but_no_score_and_no_name(client: TestClient, node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2, expert_b=-2)
    headers = world.headers("adjudicator")
    waiting = get(client, world, "adjudicator", "/v1/adjudications")["items"]
    assert [item["hypothesis_id"] for item in waiting] == [pair.hypothesis]
    taken = client.post(f"/v1/hypotheses/{pair.hypothesis}/adjudication/open", headers=headers)
    assert taken.status_code == 201, taken.text
    assert {earlier["conclusion"] for earlier in taken.json()["earlier"]} == {2, -2}
    assert leaks(taken.json(), pair) == []


def test_adjudication_over_http_settles_the_pair(client: TestClient, node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2, expert_b=-2)
    path, headers = f"/v1/hypotheses/{pair.hypothesis}/adjudication", world.headers("adjudicator")
    assert client.post(path, json=CONCLUSION, headers=headers).json()["code"] == "pictures-not-seen"
    review = client.post(f"{path}/open", headers=headers).json()["id"]
    client.get(f"/v1/reviews/{review}/images/found", headers=headers)
    settled = client.post(path, json=CONCLUSION, headers=headers)
    assert (settled.status_code, settled.json()["outcome"]) == (200, "supported")
