"""One query over codes: FAISS lists the best of some rows in one call, without a product for each. It never decides.

FAISS reads a code MIDDLE + c as the number MIDDLE + c - READ_AS and a query as whole numbers. Its sums are whole: in
float32, where d is no multiple of 16, they are exact below 2**24, which at most 1,040 components stay. So a row with
an error within NEAR whose product is p has, by the bound of `codes`, a score of at most

    unit step (p + (READ_AS - MIDDLE) sum(a)) + unit |a| NEAR + LONGEST f.
"""

import math
from functools import cache

import faiss
import numpy as np

from index.codes import LONGEST, MIDDLE, NEAR, Asked, Codes
from index.labels import Numbers

READ_AS = 128  # what FAISS takes from a byte without a sign
WIDEST = 1_040  # components


def best(asked: Asked, number: int, *, codes: Codes, width: int) -> tuple[Numbers, float]:
    """The places (m,) of the `width` rows that query `number` is most like, in no order.

    And the score that no other row with an error within NEAR exceeds, -inf where there is no other.
    """
    if width >= len(codes):
        return np.arange(len(codes)), -math.inf
    query = asked.whole[number].astype(np.float32)
    products, places = np.full(width, -np.inf, np.float32), np.full(width, -1, np.int64)
    scanner = _reader(codes.shape[1]).sq.select_InvertedListScanner(  # type: ignore[attr-defined]
        faiss.METRIC_INNER_PRODUCT, None, True, None, False
    )
    try:
        scanner.set_query(faiss.swig_ptr(query))
        scanner.set_list(0, 0.0)
        rows = faiss.swig_ptr(codes.reshape(-1).view(np.uint8))
        scanner.scan_codes(len(codes), rows, None, faiss.swig_ptr(products), faiss.swig_ptr(places), width)
    finally:
        # FAISS leaves its end to the caller, SWIG to nobody
        faiss.InvertedListScanner.__swig_destroy__(scanner)  # type: ignore[attr-defined]
    left = float(products.min()) + (READ_AS - MIDDLE) * asked.sum[number]
    edge = asked.unit[number] * (asked.step * left + asked.norm[number] * NEAR) + LONGEST * asked.error[number]
    return places, float(edge)


@cache
def _reader(dimension: int) -> faiss.IndexScalarQuantizer:
    return faiss.IndexScalarQuantizer(
        dimension, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
    )
