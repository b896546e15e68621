"""Likelihoods, and where and among whom was searched, in words. Never lets out a cosine or an unrounded ratio."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from api.accounts.regions import region_name
from api.kit.i18n import N_, Translate
from api.search.models import Candidate, MatchHypothesis, SearchRun
from api.search.schemas import CoverageOut, LikelihoodOut, NarrowedOut
from facematch.bands import BANDS, REASONS

SIGNIFICANT_DIGITS = 2
RATIO = N_("about %(ratio)s (%(low)s to %(high)s)")
AT_LEAST = N_("at least %(ratio)s")
AT_MOST = N_("at most %(ratio)s")
MANY_STRANGERS = N_("In a gallery of this size about %(count)s other people would look at least this similar.")
FEW_STRANGERS = N_("In about one of %(count)s such searches somebody else would look at least this similar.")
RARE_STRANGERS = N_("In fewer than one of 1,000 such searches somebody else would look at least this similar.")
EVERYWHERE = N_("all regions of this node")
NOBODY_THERE = N_(
    "Nobody of this kind is registered in %(regions)s yet, so there was nobody to compare with. "
    "New registrations are compared as they come."
)
NOBODY_FITS = N_("Nobody registered in %(regions)s so far fits the narrowing, so there was nobody to compare with.")
NOBODY = N_("Persons compared in %(regions)s: %(persons)s. Nobody is similar enough to be proposed.")
SOME = N_(
    "Persons compared in %(regions)s: %(persons)s. Proposed: %(count)s. "
    "A candidate is not a match: people compare and decide."
)
NARROWED = N_("Narrowed to: %(to)s. What is not known about a person kept nobody out.")
SEXES = {1: N_("male"), 2: N_("female")}
AGED = {
    (True, True): N_(
        "%(age_from)s to %(age_to)s years old on the day of the search (born %(born_from)s to %(born_to)s)"
    ),
    (True, False): N_("at least %(age_from)s years old on the day of the search (born %(born_to)s or before)"),
    (False, True): N_("at most %(age_to)s years old on the day of the search (born %(born_from)s or after)"),
}
SEEN = {
    "found": {
        (True, True): N_("found from %(seen_from)s to %(seen_to)s"),
        (True, False): N_("found on %(seen_from)s or later"),
        (False, True): N_("found on %(seen_to)s or earlier"),
    },
    "sought": {
        (True, True): N_("missing since a day from %(seen_from)s to %(seen_to)s"),
        (True, False): N_("missing since %(seen_from)s or later"),
        (False, True): N_("missing since %(seen_to)s or earlier"),
    },
}
BETWEEN = N_("; ")


def likelihood_out(row: Candidate | MatchHypothesis, *, gallery_persons: int, translate: Translate) -> LikelihoodOut:
    """What a comparison is worth, in the reader's language."""
    reason = row.uncalibrated_because
    return LikelihoodOut(
        band=row.band,
        sentence=translate(BANDS[row.band]),
        ratio=_ratio(row, translate),
        age_gap_years=None if row.age_gap_years is None else round(row.age_gap_years, 1),
        gallery_persons=gallery_persons,
        strangers=None if reason else _strangers(row.expected_strangers, translate),  # children look more alike, too
        uncalibrated_because=reason,
        uncalibrated=translate(REASONS[reason]) if reason else None,
    )


def coverage_out(run: SearchRun, *, language: str, translate: Translate) -> CoverageOut:
    """Where a run looked and what came of it; that nobody was found is said only of a search that did look."""
    count = len(run.candidates)
    nobody_there = NOBODY_FITS if run.narrowed else NOBODY_THERE
    template = nobody_there if run.gallery_persons == 0 else SOME if count else NOBODY
    regions = regions_in_words(list(run.regions_answered), language=language, translate=translate)
    facts = {"persons": f"{run.gallery_persons:,}", "regions": regions, "count": count}
    return CoverageOut(
        outcome="candidates" if count else "nobody",
        sentence=translate(template) % facts,
        regions_asked=run.regions_asked,
        regions_answered=run.regions_answered,
        regions_failed=run.regions_failed,
        narrowed=narrowed_out(run.narrowed, translate=translate),
        gallery_persons=run.gallery_persons,
        gallery_revision=run.gallery_revision,
        contract=run.contract,
        calibration=run.calibration,
    )


def narrowed_out(kept: Mapping[str, Any], *, translate: Translate) -> NarrowedOut | None:
    """What a run keeps of its narrowing, in the reader's language; None where everybody was compared."""
    if not kept:
        return None
    facts = {name: kept.get(name) for name in NarrowedOut.model_fields if name != "sentence"}
    parts = translate(BETWEEN).join(translate(part) % kept for part in _parts(kept))
    return NarrowedOut(sentence=translate(NARROWED) % {"to": parts}, **facts)


def regions_in_words(codes: list[str], *, language: str, translate: Translate) -> str:
    """Names of regions, or that all were meant."""
    if not codes or codes == ["000000"]:
        return translate(EVERYWHERE)
    separator = "、" if language.startswith("zh") else ", "
    return separator.join(region_name(code.ljust(6, "0"), language) for code in codes)


def rounded(value: float) -> str:
    """A positive number with two significant digits and thousands separated: 1,234.5 → 1,200; 0.0312 → 0.031."""
    digits = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(value))
    return f"{round(value, digits):,.{max(digits, 0)}f}"


def _parts(kept: Mapping[str, Any]) -> Iterator[str]:
    if "sex" in kept:
        yield SEXES[kept["sex"]]
    for sayings, name in ((AGED, "age"), (SEEN[kept["kind"]], "seen")):
        ends = (f"{name}_from" in kept, f"{name}_to" in kept)
        if any(ends):
            yield sayings[ends]


def _ratio(row: Candidate | MatchHypothesis, translate: Translate) -> str | None:
    if row.log10_lr is None or row.log10_lr_low is None or row.log10_lr_high is None:
        return None
    middle, low, high = (rounded(10**value) for value in (row.log10_lr, row.log10_lr_low, row.log10_lr_high))
    if low == high:  # the calibration's data support no larger (or no smaller) ratio than this one
        return translate(AT_LEAST if row.log10_lr > 0 else AT_MOST) % {"ratio": middle}
    return translate(RATIO) % {"ratio": middle, "low": low, "high": high}


def _strangers(expected: float, translate: Translate) -> str:
    if expected < 0.001:
        return translate(RARE_STRANGERS)
    if expected < 1:
        return translate(FEW_STRANGERS) % {"count": rounded(1 / expected)}
    return translate(MANY_STRANGERS) % {"count": rounded(expected)}
