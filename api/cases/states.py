"""How a found person's case, a missing report and a photograph move. Data only: who may, says policy."""

from api.kit.transitions import Transitions

OPEN_FOUND = "registered searching identity_probable identity_confirmed return_planned settled reopened"
OPEN_REPORT = "filed police_verified active located_unverified located reopened"

FOUND_PERSON = Transitions.of(
    "found-person",
    "draft",
    [
        ("draft", "register", "registered"),
        ("registered reopened", "search", "searching"),
        ("registered searching reopened settled", "support", "identity_probable"),
        ("identity_probable", "doubt", "searching"),
        ("identity_probable", "confirm", "identity_confirmed"),
        ("identity_confirmed return_planned", "undo_confirmation", "identity_probable"),
        ("identity_confirmed", "plan_return", "return_planned"),
        ("identity_confirmed return_planned", "hand_over", "home"),
        ("home", "follow_up", "followed_up"),
        ("followed_up", "follow_up", "followed_up"),
        ("followed_up", "close", "closed"),
        ("registered searching reopened", "settle", "settled"),
        ("draft registered searching reopened settled", "withdraw", "withdrawn"),
        ("draft registered searching reopened settled", "mark_duplicate", "duplicate"),
        ("registered searching reopened settled", "hand_off", "handed_off"),
        ("closed withdrawn duplicate handed_off home followed_up", "reopen", "reopened"),
    ],
)

MISSING_REPORT = Transitions.of(
    "missing-report",
    "draft",
    [
        ("draft", "file", "filed"),
        ("filed", "verify", "police_verified"),
        ("police_verified reopened", "activate", "active"),
        ("filed police_verified active reopened", "support", "located_unverified"),
        ("located_unverified", "doubt", "active"),
        ("located_unverified", "confirm", "located"),
        ("located", "undo_confirmation", "located_unverified"),
        ("located", "reunite", "resolved"),
        ("located", "locate_without_contact", "resolved"),
        ("filed police_verified active reopened", "find_otherwise", "resolved"),
        ("filed police_verified active reopened", "find_false", "resolved"),
        ("draft filed police_verified active reopened", "withdraw", "resolved"),
        ("filed police_verified active reopened", "hand_off", "resolved"),
        ("resolved", "close", "closed"),
        ("resolved closed", "reopen", "reopened"),
    ],
)

PHOTO = Transitions.of(
    "photo",
    "received",
    [
        ("received", "find_one", "enrolled"),
        ("received", "find_several", "needs_choice"),
        ("received", "find_none", "no_face"),
        ("received", "refuse", "refused"),
        ("needs_choice enrolled", "choose", "enrolled"),
    ],
)

TABLES = {"found_person": FOUND_PERSON, "missing_report": MISSING_REPORT}
SEARCHABLE = {"found_person": frozenset(OPEN_FOUND.split()), "missing_report": frozenset(OPEN_REPORT.split())}
RESOLUTIONS = {
    "reunite": "reunited",
    "locate_without_contact": "located_no_contact",
    "find_otherwise": "found_otherwise",
    "find_false": "false_report",
    "withdraw": "withdrawn",
    "hand_off": "handed_off",
}
# Events people cause directly; every other event follows from an act in another room.
MANUAL = {
    "found_person": frozenset({"plan_return", "settle", "withdraw", "mark_duplicate", "hand_off", "reopen"}),
    "missing_report": frozenset(
        {"verify", "activate", "locate_without_contact", "withdraw", "hand_off", "reopen"}
        | {"find_otherwise", "find_false"}
    ),
}
