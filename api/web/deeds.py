"""The memory of acts in plain words, for the timeline of a case. Never shows a fact that the audit does not hold."""

from collections.abc import Callable, Mapping
from typing import Any

from api.kit.i18n import N_
from api.web.words import in_words

# What another entry of the same moment already tells.
UNTOLD = frozenset({"candidate-proposed", "request-moved"})
UNTOLD_MOVES = frozenset({"invite", "support", "reject", "disagree", "verify", "confirm", "reunite"})
STANDING = "standing search"
SEEN = frozenset({"picture-seen", "candidate-seen", "candidates-seen"})
TURNS = frozenset({"case-moved", "case-registered"})
SAYINGS: dict[str, str] = {
    "case-registered": N_("The case was opened."),
    "case-edited": N_("What is written about the case was changed."),
    "case-moved": N_("The case now stands at: %(case_state)s"),
    "photo-added": N_("A picture was added: %(role)s"),
    "faces-found": N_("Faces found in a picture: %(faces)s"),
    "face-chosen": N_("Somebody said which of %(of)s faces is meant."),
    "request-raised": N_("A search request was raised: %(purpose)s"),
    "best-photos-changed": N_("A pair is now shown by better pictures."),
    "search-made": N_("A search was made. Persons compared: %(persons)s. Proposed: %(candidates)s."),
    "narrowed-search-made": N_("A narrowed search was made. Persons compared: %(persons)s. Proposed: %(candidates)s."),
    "standing-search-made": N_("The standing search looked. Persons compared: %(persons)s. Proposed: %(candidates)s."),
    "exclusion-lifted": N_("A pair that was ruled out may be proposed again: there is a new picture."),
    "hypothesis-moved": N_("A pair now stands at: %(pair_state)s"),
    "reviewer-invited": N_("An expert was asked to compare a pair."),
    "reviews-concluded": N_("The reviewers have concluded."),
    "reviews-concluded-support": N_("The reviewers have concluded: the same person."),
    "reviews-concluded-reject": N_("The reviewers have concluded: not the same person."),
    "reviews-concluded-disagree": N_("The reviewers have concluded: they disagree."),
    "adjudication-taken": N_("An adjudicator took up the disagreement."),
    "verification-recorded": N_("A verification was recorded: %(verification)s. %(result)s."),
    "confirmation-undone": N_("The confirmation was taken back."),
    "handed-over": N_("The person was handed over and is at home."),
    "follow-up-done": N_("Somebody looked in: %(outcome)s"),
    "picture-seen": N_("Looked at a picture"),
    "candidate-seen": N_("Looked at a pair of faces"),
    "candidates-seen": N_("Looked through a list of candidates"),
}
FACTS: dict[str, tuple[str, str]] = {
    "role": ("photo_role", "role"),
    "purpose": ("purpose", "purpose"),
    "pair_state": ("hypothesis", "to"),
    "verification": ("verification", "kind"),
    "result": ("result", "result"),
    "outcome": ("outcome", "outcome"),
}


def is_told(act: str, facts: Mapping[str, Any]) -> bool:
    """Whether an act has a line of its own on the timeline."""
    return act not in UNTOLD and not (act == "hypothesis-moved" and facts.get("event") in UNTOLD_MOVES)


def saying(act: str, facts: Mapping[str, Any], *, case_kind: str, say: Callable[..., str]) -> str:
    """One act in the reader's words; an act nobody wrote a sentence for is shown by its name."""
    sentence = SAYINGS.get(_kind(act, facts)) or SAYINGS.get(act)
    if sentence is None:
        return act
    told: dict[str, object] = {name: facts.get(name, "") for name in ("faces", "of", "persons", "candidates")}
    told |= {name: in_words(table, facts.get(key, ""), say) for name, (table, key) in FACTS.items()}
    told["case_state"] = in_words(case_kind, facts.get("to", ""), say)
    return say(sentence, **told)


def _kind(act: str, facts: Mapping[str, Any]) -> str:
    if act == "search-made" and facts.get("kind") == "standing":
        return "standing-search-made"
    if act == "search-made" and facts.get("narrowed"):
        return "narrowed-search-made"
    return f"{act}-{facts.get('outcome')}" if act == "reviews-concluded" else act
