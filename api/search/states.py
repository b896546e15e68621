"""How a match hypothesis moves. A score is in no row of this table."""

from api.kit.transitions import Transitions

SUPERSEDABLE = "proposed screened parked in_review supported discordant not_supported verifying reopened"
HYPOTHESIS = Transitions.of(
    "match-hypothesis",
    "proposed",
    [
        ("proposed parked reopened", "screen", "screened"),
        ("proposed screened reopened", "park", "parked"),
        ("proposed screened parked reopened not_supported", "rule_out", "ruled_out"),
        ("screened in_review", "invite", "in_review"),
        ("in_review", "support", "supported"),
        ("in_review", "reject", "not_supported"),
        ("in_review", "disagree", "discordant"),
        ("discordant", "adjudicate_support", "supported"),
        ("discordant", "adjudicate_reject", "not_supported"),
        ("supported", "verify", "verifying"),
        ("verifying", "verify", "verifying"),
        ("verifying", "confirm", "confirmed"),
        ("supported verifying", "refute", "not_supported"),
        ("confirmed", "undo_confirmation", "verifying"),
        ("confirmed", "reunite", "reunited"),
        (SUPERSEDABLE, "supersede", "superseded"),
        ("ruled_out not_supported", "reopen", "reopened"),
    ],
)
