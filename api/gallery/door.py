"""The matcher as routes and pages receive it."""

from typing import Annotated, cast

from fastapi import Depends, Request

from api.gallery.matcher import Matcher


def get_matcher(request: Request) -> Matcher:
    return cast(Matcher, request.app.state.matcher)


MatcherDep = Annotated[Matcher, Depends(get_matcher)]
