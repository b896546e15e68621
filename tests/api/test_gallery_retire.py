"""A contract that is no longer used goes wholly, is never taken from a node that uses it, and can come back."""

import pytest
import sqlalchemy as sa

from api.audit.models import AuditEntry
from api.gallery import census, place, reembed, replica
from api.gallery.matcher import open_matcher
from api.gallery.models import GalleryChange, TemplateRow
from api.gallery.retire import ContractInUse, RetirementNotConfirmed, retire
from api.kit.node import Node
from api.kit.problems import NotFound
from facematch.ensemble import Ensemble
from facematch.extractor import Extractor
from tests.api.papers import enrolled
from tests.api.photographs import Photographs
from tests.api.searching import Scene, people
from tests.api.world import World


@pytest.fixture
def scene(node: Node, world: World, opencv_zoo: Extractor, buffalo_sc: Extractor) -> Scene:
    """A node that still holds what it knew under another contract; its settings name the first one only."""
    return Scene(node, open_matcher(node, eye=Ensemble([opencv_zoo, buffalo_sc])), world)


def let_go(scene: Scene, contract: str, *, confirmed: bool = True) -> int:
    return retire(scene.node, contract, confirmed=confirmed, done=lambda _done, _of: None)


def count(scene: Scene, table: type[TemplateRow | GalleryChange], contract: str) -> int:
    with scene.node.db.read() as session:
        return session.query(table).where(table.contract == contract).count()


@pytest.mark.usefixtures("in_this_process")
def test_a_retired_contract_leaves_no_template_no_change_and_no_snapshot(
    scene: Scene, photographs: Photographs, buffalo_sc: Extractor
) -> None:
    astronaut = scene.found(photographs.astronaut)
    replica.save_snapshots(scene.node, scene.matcher)
    assert place.snapshot_path(scene.node, buffalo_sc.contract).exists()
    assert let_go(scene, buffalo_sc.contract) == 1
    assert [count(scene, table, buffalo_sc.contract) for table in (TemplateRow, GalleryChange)] == [0, 0]
    assert not place.snapshot_path(scene.node, buffalo_sc.contract).exists()
    assert people(scene.searched(photographs.astronaut_later)) == [astronaut.id]
    assert [memory.live.stamp.count for memory in scene.matcher.memories] == [1, 0]


def test_a_contract_of_the_settings_is_not_retired(
    scene: Scene, photographs: Photographs, opencv_zoo: Extractor
) -> None:
    scene.found(photographs.astronaut)
    with pytest.raises(ContractInUse):
        let_go(scene, opencv_zoo.contract)
    assert count(scene, TemplateRow, opencv_zoo.contract) == 1


def test_without_confirmation_nothing_goes_and_the_loss_is_said(
    scene: Scene, photographs: Photographs, buffalo_sc: Extractor
) -> None:
    alone = open_matcher(scene.node, eye=Ensemble([buffalo_sc]))
    enrolled(scene.node, alone, scene.world.registrar, photographs.stranger)
    scene.found(photographs.astronaut)
    with pytest.raises(RetirementNotConfirmed) as refusal:
        let_go(scene, buffalo_sc.contract, confirmed=False)
    assert refusal.value.facts == {
        "contract": buffalo_sc.contract,
        "templates": 2,
        "persons_no_longer_found": 1,
    }
    assert count(scene, TemplateRow, buffalo_sc.contract) == 2


def test_a_contract_nobody_knows_is_not_found(scene: Scene) -> None:
    with pytest.raises(NotFound):
        let_go(scene, "0" * 64)


def test_what_was_retired_can_come_back_and_an_old_replica_is_not_misled(
    scene: Scene, photographs: Photographs, buffalo_sc: Extractor
) -> None:
    astronaut = scene.found(photographs.astronaut)
    stale = open_matcher(scene.node, eye=Ensemble([buffalo_sc]))
    let_go(scene, buffalo_sc.contract)
    reembed.reembed(scene.node, buffalo_sc, workers=1, done=lambda _: None)
    again = Scene(scene.node, stale, scene.world)
    assert people(again.searched(photographs.astronaut_later)) == [astronaut.id]
    assert replica.verify(scene.node, stale.leading.live).ok


def test_the_counts_stay_true_and_the_act_is_remembered(
    scene: Scene, photographs: Photographs, buffalo_sc: Extractor
) -> None:
    scene.found(photographs.astronaut)
    let_go(scene, buffalo_sc.contract)
    with scene.node.db.read() as session:
        assert census.is_true(session)
        assert census.gallery_size(session, scene.matcher.contracts, 1, ()) == 1
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "contract-retired")).one()
    assert (entry.record_id, entry.facts) == (buffalo_sc.contract, {"templates": 1, "persons_no_longer_found": 0})
