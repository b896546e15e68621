"""The main job by pages alone: a portrait goes in, the person is found, two people agree, somebody is home."""

import re
from collections.abc import Callable

from starlette.testclient import TestClient

from api.kit.node import Node
from tests.api import pairs
from tests.api.browsing import Reader, signed_in
from tests.api.photographs import Photographs
from tests.api.test_web_forms import FOUND, REPORT, a_file
from tests.api.world import World

REVIEW = {
    "suitability_found": "suitable",
    "suitability_sought": "limited",
    "feature.nose": "similar",
    "conclusion": "2",
    "limits": "dark",
}


def link_to(pattern: str, page: str) -> str:
    found = re.search(rf'href="({pattern}[^"#?]*)"', page)
    assert found is not None, pattern
    return found.group(1)


def review(reader: Reader) -> None:
    path = link_to("/reviews/", reader.get("/").text)
    for side in ("found", "sought"):
        assert reader.get(f"/pictures{path}/{side}").status_code == 200
    assert reader.post(f"{path}/submission", REVIEW, on=path).status_code == 303


def test_somebody_comes_home_by_pages_alone(
    client: TestClient, node: Node, world: World, photographs: Photographs, run_jobs: Callable[[], int]
) -> None:
    who = {name: signed_in(client, node, world, name) for name in world.actors}
    police, station = who["requester"], who["registrar"]
    report = {**REPORT, "persons.2.name": "", "taken_on.0": "2024", "separated_on": "2025-01"}
    files = [a_file(photographs.astronaut_later, "photos.0")]
    sought = police.post("/cases/report", report, on="/cases/report", files=files).headers["location"]
    files = [a_file(photographs.astronaut)]
    found = station.post("/cases/register", FOUND, on="/cases/register", files=files).headers["location"]
    run_jobs()
    pair = link_to("/hypotheses/", police.get(sought).text)
    police.post(f"{pair}/screen", {}, on=pair)
    invited = [world.actors[name].user_id for name in ("expert_a", "expert_b")]
    who["coordinator"].post(f"{pair}/invite", {"reviewer": invited}, on=pair)
    for name in ("expert_a", "expert_b"):
        review(who[name])
    check = {"kind": "dna", "result": "matches", "authority": "成都市公安局"}
    assert who["verifier"].post(f"{pair}/verification", check, on=pair).status_code == 303
    handover = {"wish": "agreed", "handed_over_on": node.clock().date().isoformat(), "region": "510000"}
    assert who["liaison"].post(f"{pair}/handover", handover, on=pair).status_code == 303
    visit = re.search(r'name="follow_up_id" value="([^"]+)"', who["liaison"].get(found).text).group(1)
    who["liaison"].post(f"{found}/follow-up", {"follow_up_id": visit, "outcome": "well"}, on=found)
    assert who["lead"].post(f"{found}/close", {}, on=found).status_code == 303
    assert pairs.state_of(node, pair.rsplit("/", 1)[1]) == "reunited"
    assert pairs.case_state(node, found.rsplit("/", 1)[1]) == "closed"
