"""What every test may ask for: real weights, an open extractor, real faces where they exist."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from facematch.bundle import default_models_dir, default_weights_dir, read_bundle
from facematch.errors import WeightsUnreachable
from facematch.extractor import Extractor, open_extractor
from facematch.fetch import fetch_weights

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # of Milvus: it would break the child that stops PostgreSQL
settings.register_profile("any-machine", deadline=None)  # how long an example takes says more about the neighbours
settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def faces_dir() -> Path:
    """Folder of real face images for development; tests that need it skip where it is not."""
    folder = os.environ.get("LIGHTHOUSE_FACES")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LIGHTHOUSE_FACES names no folder with face images")
    return Path(folder)


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """The weights folder, with the default bundle fetched and checked."""
    folder = default_weights_dir()
    fetch_weights(read_bundle("opencv-zoo", default_models_dir()), folder, accept_licence=False, announce=print)
    return folder


@pytest.fixture(scope="session")
def opencv_zoo(weights_dir: Path) -> Extractor:
    """The default bundle, open."""
    return open_extractor("opencv-zoo", models_dir=default_models_dir(), weights_dir=weights_dir)


@pytest.fixture(scope="session")
def buffalo_sc() -> Extractor:
    """InsightFace's small bundle, for comparing only; skips where it cannot be fetched."""
    return _for_research("buffalo_sc")


@pytest.fixture(scope="session")
def edgeface_s() -> Extractor:
    """EdgeFace-S behind SCRFD, for comparing only; skips where it cannot be fetched."""
    return _for_research("edgeface-s")


def _for_research(name: str) -> Extractor:
    folder = default_weights_dir()
    try:
        fetch_weights(read_bundle(name, default_models_dir()), folder, accept_licence=True, announce=print)
    except WeightsUnreachable:
        pytest.skip(f"the weights of {name} cannot be fetched here")
    return open_extractor(name, models_dir=default_models_dir(), weights_dir=folder)


@pytest.fixture(scope="session")
def milvus_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real Milvus: the server LIGHTHOUSE_TEST_MILVUS names, else milvus-lite on a free port.

    Ask a named server from one process (`-n 0`): each test of the service wipes what the others have there.
    """
    if named := os.environ.get("LIGHTHOUSE_TEST_MILVUS"):
        yield named
        return
    from tests.milvus_machine import Machine

    machine = Machine(tmp_path_factory.mktemp("milvus"))
    yield machine.uri
    machine.switch_off()
