"""The words of a likelihood: bands, and reasons why none is given. It never lets out a number."""

import math

NO_DIRECTION = math.log10(2)  # ENFSI 2015: a ratio between 1/2 and 2 supports neither side


def N_(sentence: str) -> str:  # noqa: N802 (the name that gettext's extraction looks for)
    """Mark a sentence for translation; the page translates it."""
    return sentence


BANDS: dict[str, str] = {
    "speaks-against": N_("The comparison speaks against these being one person."),
    "inconclusive": N_("The comparison supports neither one person nor two."),
    "limited": N_("Limited support for one person: at least 2 times more probable than for two different people."),
    "moderate": N_("Moderate support for one person: at least 10 times more probable than for two different people."),
    "moderately-strong": N_(
        "Moderately strong support for one person: at least 100 times more probable than for two different people."
    ),
    "strong": N_("Strong support for one person: at least 1,000 times more probable than for two different people."),
    "very-strong": N_(
        "Very strong support for one person: at least 10,000 times more probable than for two different people."
    ),
    "not-calibrated": N_("Not calibrated for this range: no likelihood ratio can be given."),
}
SUPPORT = (
    (NO_DIRECTION, "limited"),
    (1.0, "moderate"),
    (2.0, "moderately-strong"),
    (3.0, "strong"),
    (4.0, "very-strong"),
)

REASONS: dict[str, str] = {
    "infant": N_("One picture shows a child below 3 years; faces of that age cannot be told apart reliably."),
    "child": N_("One picture shows a person younger than those the calibration was made with."),
    "age-gap-beyond-data": N_("More years lie between the pictures than the calibration was made with."),
    "age-unknown": N_("The age of a person in one of the pictures is not known."),
    "age-gap-unknown": N_("It is not known how many years lie between the pictures."),
    "picture-too-small": N_("A face is smaller than those the calibration was made with."),
    "picture-size-unknown": N_("The size of a face in one of the pictures is not known."),
}


def band_of(low: float | None, high: float | None) -> str:
    """The BANDS code of an interval of log10 likelihood ratios; its end nearest to zero decides.

    Steps and words: ENFSI Guideline for Evaluative Reporting in Forensic Science (2015), table of verbal equivalents;
    "limited" is its "weak". One word covers all ratios below 1/2: nobody is ruled out by this number.
    """
    if low is None or high is None:
        return "not-calibrated"
    if high <= -NO_DIRECTION:
        return "speaks-against"
    reached = [code for least, code in SUPPORT if low >= least]
    return reached[-1] if reached else "inconclusive"
