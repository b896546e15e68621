"""Few queries over codes, each by itself: the best rows of every piece, then float32. It never says more than it knows.

Where a processor has no matrix instructions, products of packed matrices take three times as long for one query, and a
product of every row has to be written, compared and looked through. Here a piece is one call that keeps the best rows.
Rows with an error above NEAR, hardly one in a thousand, are read in full, as no bound of `single` holds for them. What
was left out has a score of at most the best bound of the pieces; where that is not low enough the caller asks again.
"""

import math
import time
from collections.abc import Callable
from functools import cache

import numpy as np

from index import single
from index.codes import Asked, room_for_codes
from index.grouping import NO_PAIRS, Listed, Pairs
from index.pieces import Piece, pieces_of
from index.scan import Task, width_of
from index.turns import in_turns, threads

MOST = 4  # queries for which it is tried whether one by one is faster
TRIED = 4_096  # rows of that trial
SHORTEST, LONGEST = 16_384, 65_536  # rows of one piece: a call and its rows in full cost as much as 2,000 rows more
TURNS = 4  # pieces a thread where there are enough rows
LONGER = 2  # than lists of float32 scores, as these may be further off
MANY, WIDEST = 8, 4  # pieces from which none is likely to hold most of the answer; how much wider fewer are listed
ALONE = 1 << 15  # rows that one thread has listed sooner than two


def listed(task: Task, *, slack: float, attempt: int) -> Listed:
    """Pairs with float32 scores off by `slack`, and how far the others may reach; a further attempt lists more."""
    asked, count = Asked.of(task.queries), len(task.queries)
    rows = sum(len(scope.part.live) for scope in task.scopes)
    pieces = pieces_of(task.scopes, min(LONGEST, max(SHORTEST, rows // (TURNS * threads()))))
    width = LONGER * width_of(task.k, attempt) * min(WIDEST, math.ceil(MANY / len(pieces)))
    work = [(number, piece) for piece in pieces for number in range(count)]
    alone = sum(map(len, pieces)) * count <= ALONE
    found = in_turns(lambda one: _best(asked, *one, task, width), work, alone=alone)
    beyond = np.full(count, -np.inf)
    for (number, _), (_, edge) in zip(work, found, strict=True):
        beyond[number] = max(beyond[number], edge)
    return Listed(Pairs.join([pairs for pairs, _ in found]), beyond + slack)


def _best(asked: Asked, number: int, piece: Piece, task: Task, width: int) -> tuple[Pairs, float]:
    share = piece.share()
    if not share:
        return NO_PAIRS, -math.inf
    places, edge = single.best(asked, number, codes=piece.codes(), width=math.ceil(width / share))
    places = np.concatenate((places, piece.odd()[0]))  # a row that is there twice does no harm
    return piece.pairs(places, np.full(len(places), number), task), edge


@cache
def faster(count: int, dimension: int) -> bool:
    """Whether this processor lists so many queries one by one faster than it multiplies them together, as tried."""
    if count > MOST or dimension > single.WIDEST:
        return False
    codes = room_for_codes(TRIED, dimension)
    queries = np.full((count, dimension), dimension**-0.5, np.float32)
    asked, needed = Asked.of(queries), np.ones(count, np.int32)
    singly = _least_s(lambda: single.best(asked, 0, codes=codes, width=1))
    return count * singly < _least_s(lambda: np.flatnonzero(asked.products(codes) >= needed))


def _least_s(work: Callable[[], object]) -> float:
    """Seconds of this thread's time that work takes when nothing disturbs it."""
    spent = []
    for _ in range(5):
        started = time.thread_time()
        work()
        spent.append(time.thread_time() - started)
    return min(spent)
