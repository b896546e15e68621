"""What several photographs of one person are worth: one more picture of each against one, two or three kept ones.

Every person, and every pair of people, has the same weight. It never lets a picture stand against itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.joint import Floats, Pairs, People, Weights, balanced
from benchmarks.views import View, says
from facematch.fusion import Fusion

KEPT = 3  # photographs of a person
MOST_PROBES = 4  # of a person, so that nobody decides alone


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """n probes against the kept photographs of somebody: each model's log10 ratios (m, KEPT, n); same person and
    weight (n,).
    """

    says: Floats
    same: NDArray[np.bool_]
    weight: Floats

    def fused(self, weights: Weights) -> "Trials":
        """The same with the models put together into one."""
        return replace(self, says=np.tensordot(np.asarray(weights, np.float32), self.says, axes=1)[None])

    def pairs(self) -> Pairs:
        """What judges them."""
        return Pairs(self.says[:, 0], self.same, self.weight, np.zeros(len(self.same), np.uint8))

    @property
    def correlation(self) -> float:
        """The larger of the two: between the ratios of two photographs of one person, and of two of somebody else."""
        kinds = [np.corrcoef(self.says[0][:, kind]) for kind in (self.same, ~self.same)]
        return max(float(table[np.triu_indices(KEPT, 1)].mean()) for table in kinds)


def try_photos(views: Sequence[View], people: People, *, worse: bool) -> Trials:
    """The later pictures of those with more than KEPT, as they are or made worse, against the kept of everybody."""
    usable = np.all([view.clean.found[: len(people)] for view in views], axis=0)
    if worse:
        reach = min(len(view.worse.found) for view in views)
        usable[:reach] &= np.all([view.worse.found[:reach] for view in views], axis=0)
        usable[reach:] = False
    kept, probes = choose(people, usable)
    said = [says(view, probes, kept.ravel(), worse=worse) for view in views]
    shape = (len(views), len(probes), len(kept), KEPT)
    same = (people[probes][:, None] == people[kept[:, 0]]).ravel()
    share = 1 / np.bincount(people)[people[probes]]
    weight = np.repeat(share, len(kept)).astype(np.float32)
    return Trials(
        np.stack(said).reshape(shape).transpose(0, 3, 1, 2).reshape(len(views), KEPT, -1), same, balanced(same, weight)
    )


def choose(people: People, usable: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pictures kept (p, KEPT) and probes (q,) of people with more than KEPT usable pictures, in their given order."""
    places = dict[int, list[int]]()
    for place in np.flatnonzero(usable).tolist():
        places.setdefault(int(people[place]), []).append(place)
    enough = [own for own in places.values() if len(own) > KEPT]
    probes = [place for own in enough for place in own[KEPT : KEPT + MOST_PROBES]]
    return np.array([own[:KEPT] for own in enough], np.intp).reshape(-1, KEPT), np.array(probes, np.intp)


def gather(says: Floats, correlation: float) -> Floats:
    """facematch.fusion.Fusion.gather for many at once: log10 ratios (k, n) of k photographs to (n,)."""
    count, best = len(says), says.max(axis=0)
    likely = best + np.log10(np.mean(10 ** (says - best), axis=0))
    gathered: Floats = likely + np.float32(Fusion(correlation=correlation).gain(count)) * says.mean(axis=0)
    return gathered
