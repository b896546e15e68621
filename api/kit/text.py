"""Shapes of text that come in: trimmed, bounded, no control characters, no lone surrogates."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


def _plain(value: str) -> str:
    broken = any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\t" for sign in value)
    if broken:
        raise ValueError("control characters")
    return value


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_plain)]
OptionalLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_plain)]
Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000), AfterValidator(_plain)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=1000), AfterValidator(_plain)]
Login = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$")]
PartialDate = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$")]


class Body(BaseModel):
    """A request body: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid")
