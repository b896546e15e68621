"""Everything a notice can say, as data. No kind speaks to a family: readers are users of organisations, always.

A sentence may hold facts as %(fact)s; a fact is never a name, a place, a contact or a score.
"""

from api.kit.i18n import N_

KINDS: dict[str, str] = {
    "no-face": N_("No face was found in a photo. Add another one."),
    "face-choice-needed": N_("A photo shows several faces. Choose the one that belongs to this person."),
    "photo-refused": N_("A photo could not be used. Add another one."),
    "standing-hit": N_("The search that never stops has a new candidate. Look at the pictures."),
    "candidate-proposed": N_("Another organisation's search proposed a person of yours as a candidate."),
    "request-raised": N_("A new search request waits for you."),
    "request-returned": N_("A search request was returned. More information is needed."),
    "review-invited": N_("You are asked to compare two faces before %(due_on)s."),
    "review-concluded": N_("The reviewers have concluded. Look at the result."),
    "discordant": N_("The reviewers disagree. An adjudicator who has not reviewed this pair will settle it."),
    "adjudication-asked": N_("Reviewers disagree about a pair of faces. You may settle it."),
    "verification-recorded": N_("A verification was recorded. Look at what is still needed."),
    "identity-confirmed": N_("The identity is confirmed. Ask the found person about contact before telling anybody."),
    "confirmation-undone": N_("A confirmation was taken back. Stop every step towards a handover."),
    "handed-over": N_("The person was handed over and is at home. Follow-ups are due."),
    "follow-up-due": N_("Somebody must look in on the person by %(due_on)s."),
    "missing-again": N_("A person who had been at home is missing again. The report is open again."),
    "case-closed": N_("A case was closed."),
}
