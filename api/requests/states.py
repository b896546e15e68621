"""How a search request moves."""

from api.kit.transitions import Transitions

REQUEST = Transitions.of(
    "search-request",
    "draft",
    [
        ("draft returned_for_info", "submit", "submitted"),
        ("submitted", "triage", "triaged"),
        ("submitted triaged", "return_for_info", "returned_for_info"),
        ("submitted triaged no_candidate inconclusive", "assign", "assigned"),
        ("assigned lead in_review", "assign", "assigned"),
        ("assigned", "review", "in_review"),
        ("in_review assigned", "support", "lead"),
        ("in_review assigned", "disagree", "inconclusive"),
        ("in_review assigned", "reject", "no_candidate"),
        ("inconclusive no_candidate", "support", "lead"),
        ("inconclusive", "reject", "no_candidate"),
        ("lead", "verify", "verifying"),
        ("verifying", "doubt", "assigned"),
        ("verifying", "confirm", "resolved"),
        ("resolved", "undo_confirmation", "verifying"),
        ("submitted triaged assigned in_review lead no_candidate inconclusive resolved", "close", "closed"),
    ],
)
OPEN = frozenset({"submitted", "triaged", "assigned", "in_review", "lead", "no_candidate", "inconclusive", "verifying"})
MANUAL = frozenset({"triage", "return_for_info", "submit", "close"})
