"""What comes in and goes out of the reviews room as JSON. What a reviewer gets holds no name and no score."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from api.kit.i18n import N_
from api.kit.text import Body, Line, Paragraph

# Components of the FISWG Facial Image Comparison Feature List for Morphological Analysis.
COMPONENTS: dict[str, str] = {
    "skin": N_("Skin"),
    "face_outline": N_("Outline of face and head"),
    "face_composition": N_("Composition of the face"),
    "hairline": N_("Hairline"),
    "forehead": N_("Forehead"),
    "eyebrows": N_("Eyebrows"),
    "eyes": N_("Eyes"),
    "cheeks": N_("Cheeks"),
    "nose": N_("Nose"),
    "ears": N_("Ears"),
    "mouth": N_("Mouth"),
    "chin": N_("Chin and jawline"),
    "neck": N_("Neck"),
    "facial_hair": N_("Facial hair"),
    "lines": N_("Lines of the face"),
    "scars": N_("Scars"),
    "marks": N_("Marks"),
    "alterations": N_("Alterations"),
}
Component = Literal[
    "skin",
    "face_outline",
    "face_composition",
    "hairline",
    "forehead",
    "eyebrows",
    "eyes",
    "cheeks",
    "nose",
    "ears",
    "mouth",
    "chin",
    "neck",
    "facial_hair",
    "lines",
    "scars",
    "marks",
    "alterations",
]
Suitability = Literal["suitable", "limited", "unsuitable"]
Observation = Literal["similar", "different", "not_visible"]
Side = Literal["found", "sought"]
SUITABILITIES: dict[str, str] = {
    "suitable": N_("Suitable for comparison"),
    "limited": N_("Suitable with limits"),
    "unsuitable": N_("Not suitable for comparison"),
}
OBSERVATIONS: dict[str, str] = {
    "similar": N_("Similar"),
    "different": N_("Different"),
    "not_visible": N_("Not visible"),
}


class Invitation(Body):
    """Whom to ask, by login or id, and the hypothesis's revision that was read."""

    reviewer: Line
    revision: int | None = None


class ReviewSubmission(Body):
    """One comparison (ACE-V). A conclusion other than 0 names at least one component that was compared."""

    suitability_found: Suitability
    suitability_sought: Suitability
    features: dict[Component, Observation] = Field(default_factory=dict)
    conclusion: Annotated[int, Field(ge=-3, le=3)]
    limits: Paragraph = ""

    @model_validator(mode="after")
    def conclusion_rests_on_features(self) -> "ReviewSubmission":
        unsuitable = "unsuitable" in {self.suitability_found, self.suitability_sought}
        compared = any(seen != "not_visible" for seen in self.features.values())
        if self.conclusion != 0 and not unsuitable and not compared:
            raise ValueError("a conclusion rests on at least one compared feature")
        return self


class EarlierReviewOut(BaseModel):
    """What somebody else concluded, without saying who; only for who settles a disagreement."""

    suitability_found: str | None
    suitability_sought: str | None
    features: dict[str, str]
    conclusion: int | None
    limits: str


class ReviewOut(BaseModel):
    """A review as its reviewer sees it: two pictures to compare. `band` and `outcome` are null before submitting."""

    id: str
    kind: str
    invited_at: datetime
    due_at: datetime
    opened_at: datetime | None
    submitted_at: datetime | None
    year_found: str
    year_sought: str
    suitability_found: str | None
    suitability_sought: str | None
    features: dict[str, str]
    conclusion: int | None
    limits: str
    seconds_spent: int | None
    earlier: list[EarlierReviewOut]
    band: str | None
    outcome: str | None


class ProgressOut(BaseModel):
    """How far the reviews of a pair are; conclusions are told to the two sides only when all are in."""

    needed: int
    invited: int
    submitted: int
    concluded: list[EarlierReviewOut]


class InvitedOut(BaseModel):
    id: str
    hypothesis_id: str
    reviewer_id: str
    organisation_id: str
    invited_at: datetime
    due_at: datetime


class ExpertOut(BaseModel):
    id: str
    name: str
    organisation_id: str


class ExpertsOut(BaseModel):
    items: list[ExpertOut]


class AdjudicationOut(BaseModel):
    hypothesis_id: str
    discordant_since: datetime


class AdjudicationsOut(BaseModel):
    items: list[AdjudicationOut]
