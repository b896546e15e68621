"""The service against inputs made from its own OpenAPI description: never an internal error, never another shape.

LIGHTHOUSE_FUZZ_EXAMPLES raises the number of inputs for each call; a night's run takes thousands.
"""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance
from starlette.testclient import TestClient

from tests.api.world import World

EXAMPLES = int(os.environ.get("LIGHTHOUSE_FUZZ_EXAMPLES", "8"))
ROLES = ("registrar", "requester", "coordinator", "expert_a", "verifier", "liaison", "administrator")
CHECKS = [not_a_server_error, response_schema_conformance]


@pytest.mark.filterwarnings("ignore")
def test_no_input_breaks_the_service(client: TestClient, world: World) -> None:
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", client.app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 40
    for operation in operations:

        @given(case=operation.as_strategy(), role=st.sampled_from(ROLES))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def attack(case: schemathesis.Case, role: str) -> None:
            case.validate_response(case.call(headers=world.headers(role)), checks=CHECKS)

        attack()
