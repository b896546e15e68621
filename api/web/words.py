"""What codes are called on pages. Tables only; a code without a word is shown as it is, never guessed."""

from collections.abc import Callable, Mapping

from api.kit.i18n import N_
from api.reunions.schemas import KINDS, OUTCOMES, RESULTS, WISHES
from api.reviews.conclusions import CONCLUSIONS
from api.reviews.schemas import COMPONENTS, OBSERVATIONS, SUITABILITIES
from facematch.bands import BANDS

TABLES: Mapping[str, Mapping[str, str]] = {
    "kind": {"found_person": N_("Found person"), "missing_report": N_("Missing report")},
    "found_person": {
        "draft": N_("Draft"),
        "registered": N_("Registered"),
        "searching": N_("Search under way"),
        "identity_probable": N_("Identity probable"),
        "identity_confirmed": N_("Identity confirmed"),
        "return_planned": N_("Return planned"),
        "home": N_("At home"),
        "followed_up": N_("At home, looked in on"),
        "closed": N_("Closed"),
        "settled": N_("Settled; search goes on"),
        "withdrawn": N_("Withdrawn"),
        "duplicate": N_("Duplicate"),
        "handed_off": N_("Handed to another office"),
        "reopened": N_("Reopened"),
    },
    "missing_report": {
        "draft": N_("Draft"),
        "filed": N_("Filed, not yet verified"),
        "police_verified": N_("Verified by police"),
        "active": N_("Search under way"),
        "located_unverified": N_("Probably located"),
        "located": N_("Located, identity confirmed"),
        "resolved": N_("Resolved"),
        "closed": N_("Closed"),
        "reopened": N_("Reopened"),
    },
    "journey": {
        "registered": N_("Registered"),
        "searching": N_("Search"),
        "identity_probable": N_("Probable"),
        "identity_confirmed": N_("Confirmed"),
        "home": N_("Home"),
        "followed_up": N_("Looked in on"),
        "filed": N_("Filed"),
        "active": N_("Search"),
        "located_unverified": N_("Probable"),
        "located": N_("Confirmed"),
        "resolved": N_("Resolved"),
        "closed": N_("Closed"),
    },
    "resolution": {
        "reunited": N_("Reunited"),
        "located_no_contact": N_("Located; wants no contact"),
        "found_otherwise": N_("Found in another way"),
        "false_report": N_("The report was not true"),
        "withdrawn": N_("Withdrawn"),
        "handed_off": N_("Handed to another office"),
    },
    "request": {
        "draft": N_("Draft"),
        "submitted": N_("Waiting for a coordinator"),
        "triaged": N_("Accepted"),
        "returned_for_info": N_("Returned: more information needed"),
        "assigned": N_("With reviewers"),
        "in_review": N_("In review"),
        "lead": N_("A lead: reviewers agree"),
        "no_candidate": N_("No candidate held"),
        "inconclusive": N_("Reviewers disagree"),
        "verifying": N_("Identity being verified"),
        "resolved": N_("Resolved"),
        "closed": N_("Closed"),
    },
    "hypothesis": {
        "proposed": N_("Proposed by the machine"),
        "screened": N_("Worth a review"),
        "parked": N_("Set aside"),
        "in_review": N_("In review"),
        "supported": N_("Reviewers agree: same person"),
        "discordant": N_("Reviewers disagree"),
        "not_supported": N_("Reviewers: not the same person"),
        "verifying": N_("Identity being verified"),
        "confirmed": N_("Identity confirmed"),
        "reunited": N_("Reunited"),
        "ruled_out": N_("Ruled out"),
        "superseded": N_("Settled by another pair"),
        "reopened": N_("Open again"),
    },
    "photo": {
        "received": N_("Being examined…"),
        "enrolled": N_("In the search"),
        "needs_choice": N_("Several faces: choose one"),
        "no_face": N_("No face found"),
        "refused": N_("Could not be used"),
    },
    "photo_role": {
        "capture": N_("Taken here"),
        "probe": N_("Only for a search"),
        "reference": N_("Picture from the family"),
        "id_photo": N_("Identity document picture"),
        "relative": N_("Picture of a relative"),
        "synthetic": N_("Altered or synthetic picture"),
    },
    "sex": {"0": N_("Unknown"), "1": N_("Male"), "2": N_("Female"), "9": N_("Not stated")},
    "communication": {
        "unknown": N_("Not known"),
        "speaks": N_("Speaks"),
        "writes": N_("Writes"),
        "signs": N_("Uses sign language"),
        "gestures": N_("Gestures only"),
        "none": N_("Cannot communicate"),
    },
    "category": {
        "stranded": N_("Stranded or out of touch"),
        "dementia": N_("Dementia"),
        "disability": N_("Disability or illness"),
        "abducted": N_("Abducted child"),
        "other": N_("Other"),
    },
    "cause": {
        "unknown": N_("Not known"),
        "wandered_off": N_("Wandered off"),
        "lost_in_crowd": N_("Lost in a crowd"),
        "taken": N_("Was taken"),
        "left": N_("Left on their own"),
        "disaster": N_("Disaster"),
        "other": N_("Other"),
    },
    "legal_basis": {
        "statutory_duty": N_("Statutory duty"),
        "emergency": N_("Emergency: life or safety"),
        "consent": N_("Consent"),
    },
    "purpose": {
        "identify_found_person": N_("Find out who a found person is"),
        "find_missing_person": N_("Find a missing person"),
        "find_abducted_child": N_("Find an abducted child"),
        "find_person_with_dementia": N_("Find a person with dementia"),
    },
    "request_event": {
        "triage": N_("Accept the request"),
        "return_for_info": N_("Send back: more information needed"),
        "submit": N_("Send it again"),
        "close": N_("Close the request"),
    },
    "urgency": {"routine": N_("Routine"), "urgent": N_("Urgent"), "hours": N_("Hours count")},
    "role": {
        "registrar": N_("Registrar"),
        "station_lead": N_("Station lead"),
        "requester": N_("Police requester"),
        "coordinator": N_("Coordinator"),
        "expert": N_("Expert reviewer"),
        "adjudicator": N_("Adjudicator"),
        "verifier": N_("Verifier"),
        "liaison": N_("Liaison"),
        "privacy_officer": N_("Privacy officer"),
        "auditor": N_("Auditor"),
        "administrator": N_("Administrator"),
    },
    "side": {"found": N_("Found person"), "sought": N_("Missing person")},
    "suitability": SUITABILITIES,
    "feature": OBSERVATIONS,
    "component": COMPONENTS,
    "conclusion": {str(level): words for level, words in CONCLUSIONS.items()},
    "verification": KINDS,
    "result": RESULTS,
    "wish": WISHES,
    "outcome": OUTCOMES,
    "band": BANDS,
    "pair_next": {
        "proposed": N_("Look at both faces and decide whether this is worth a review by experts."),
        "reopened": N_("This pair is open again. Look at both faces and decide whether it is worth a review."),
        "parked": N_("Set aside for now. It can be taken up again."),
        "screened": N_("The coordinator invites experts who have no part in the case."),
        "in_review": N_("Experts are comparing the faces, each without knowing the other's view."),
        "discordant": N_("The reviewers disagree. An adjudicator, who has not reviewed this pair, settles it."),
        "supported": N_("The reviewers agree. Verify the identity by something that is not a face."),
        "verifying": N_("A verification is recorded. Read below what is still needed."),
        "confirmed": N_("Ask the found person about contact. Then prepare the way home."),
        "reunited": N_("The person is at home. Somebody looks in on the days written in the case."),
        "not_supported": N_("The reviewers do not see the same person. The search goes on."),
        "ruled_out": N_("This pair was ruled out. It is not proposed again for a time."),
        "superseded": N_("Another pair with one of these persons was confirmed."),
    },
    "why_dna": {
        "abducted": N_("Reason: an abducted child."),
        "child": N_("Reason: the person was a child when separated."),
        "age-unknown": N_("Reason: the age at separation is not known."),
        "age-gap": N_("Reason: more than five years have passed."),
        "age-gap-unknown": N_("Reason: it is not known how many years have passed."),
    },
    "case_event": {
        "verify": N_("The police have verified this report"),
        "activate": N_("Start the search"),
        "plan_return": N_("The return is planned"),
        "settle": N_("Settle for the long term; the search goes on"),
        "withdraw": N_("Withdraw"),
        "mark_duplicate": N_("Mark as a duplicate"),
        "hand_off": N_("Hand to another office"),
        "reopen": N_("Reopen"),
        "locate_without_contact": N_("Located; the person wants no contact"),
        "find_otherwise": N_("Found in another way"),
        "find_false": N_("The report was not true"),
    },
}
STATES_BY_TONE = {
    "lamp": "needs_choice returned_for_info submitted discordant identity_probable located_unverified supported lead "
    "proposed reopened filed inconclusive",
    "calm": "enrolled identity_confirmed return_planned home followed_up located confirmed reunited resolved",
    "stop": "no_face refused",
    "ended": "closed withdrawn duplicate handed_off parked ruled_out superseded not_supported no_candidate",
}
TONES = {state: tone for tone, states in STATES_BY_TONE.items() for state in states.split()}


def in_words(table: str, code: object, say: Callable[[str], str]) -> str:
    """The reader's word for a code; an unknown one stays plain text, which a template escapes."""
    known = TABLES[table].get(str(code))
    return str(code) if known is None else say(known)


def tone(state: str) -> str:
    """How a state is set off: somebody is waited for, good news, a mishap, or over; always beside its word."""
    return TONES.get(state, "")
