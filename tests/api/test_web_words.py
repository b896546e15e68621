"""Words: every sentence of the pages has its Chinese, every state and every act its word."""

import re
from pathlib import Path
from typing import get_args

import pytest

from api.accounts.policy import Role
from api.cases.policy import EVENT_ACTS
from api.cases.schemas import PhotoRole
from api.cases.states import FOUND_PERSON, MISSING_REPORT, PHOTO, RESOLUTIONS
from api.kit.i18n import catalogue, translator
from api.requests.policy import PURPOSES
from api.requests.states import MANUAL, REQUEST
from api.search.states import HYPOTHESIS
from api.web import deeds
from api.web.render import sayer
from api.web.weaknesses import QUALITY, judgement
from api.web.words import TABLES
from facematch.quality import ADVICE
from tests.api import web_messages

API = Path(__file__).parents[2] / "api"
CODES = {
    "found_person": FOUND_PERSON.states,
    "missing_report": MISSING_REPORT.states,
    "photo": PHOTO.states,
    "request": REQUEST.states,
    "hypothesis": HYPOTHESIS.states,
    "pair_next": HYPOTHESIS.states,
    "resolution": RESOLUTIONS.values(),
    "photo_role": get_args(PhotoRole),
    "purpose": PURPOSES,
    "role": Role,
    "request_event": MANUAL,
    "case_event": EVENT_ACTS,
}
DEED = re.compile(r'(?:_deed|Deed|remember)\(\s*(?:session,\s*)?"([a-z-]+)"')
NO_CASE = {"organisation-added", "user-added", "user-disabled", "signed-in", "sign-in-failed", "token-issued"} | {
    "token-revoked",
    "review-opened",
    "review-submitted",
    "contract-retired",
}


def test_every_sentence_of_the_pages_is_translated() -> None:
    chinese = catalogue("zh_Hans")
    assert sorted(said for said in web_messages.of_templates() | web_messages.of_code() if said not in chinese) == []


def test_translations_keep_the_facts_of_their_sentence() -> None:
    fact, chinese = re.compile(r"%\((\w+)\)s"), catalogue("zh_Hans")
    said = web_messages.of_templates() | web_messages.of_code()
    assert [each for each in said if set(fact.findall(each)) != set(fact.findall(chinese[each]))] == []


@pytest.mark.parametrize("table", CODES)
def test_every_code_has_a_word(table: str) -> None:
    assert sorted(set(map(str, CODES[table])) - set(TABLES[table])) == []


def test_every_act_about_a_case_has_a_sentence() -> None:
    acts = {act for path in API.rglob("*.py") for act in DEED.findall(path.read_text("utf-8"))}
    assert len(acts) > 15
    assert sorted(acts - NO_CASE - set(deeds.SAYINGS) - deeds.UNTOLD) == []


def test_act_is_told_in_the_readers_language_with_its_facts() -> None:
    facts = {"from": "registered", "to": "searching", "event": "search"}
    said = deeds.saying("case-moved", facts, case_kind="found_person", say=sayer("zh_Hans"))
    assert said == "案件状态变为：查找中"


def test_fact_put_into_a_sentence_is_escaped() -> None:
    assert sayer("en")("Reason: %(why)s", why="<b>") == "Reason: &lt;b&gt;"


@pytest.mark.parametrize(
    ("language", "word", "weak", "advice"),
    [
        ("en", "Poor: use another picture if there is one", ["blurred", "too dark"], "The face is blurred"),
        ("zh_Hans", "较差，如有请换一张照片", ["模糊", "过暗"], "脸部模糊"),
    ],
)
def test_poor_picture_is_told_with_its_worst_two_causes_and_what_to_do(
    language: str, word: str, weak: list[str], advice: str
) -> None:
    quality = {"UnifiedQualityScore": 12.0, "causes": ["Sharpness", "UnderExposurePrevention", "HeadPoseYaw"]}
    told = judgement(quality, translator(language))
    assert (told.word, told.weaknesses) == (word, weak)
    assert told.advice.startswith(advice)


def test_good_picture_has_no_weakness_and_no_advice() -> None:
    told = judgement({"UnifiedQualityScore": 97.0, "causes": [], "Sharpness": 3.0}, translator("en"))
    assert (told.word, told.weaknesses, told.advice) == ("Good enough to search with", [], "")


def test_picture_whose_utility_nobody_knows_is_told_what_is_poor() -> None:
    poor = {"UnifiedQualityScore": -1.0, "Sharpness": 10.0, "InterEyeDistance": 5.0, "HeadPoseYaw": 90.0}
    told = judgement(poor, translator("en"))
    assert (told.word, told.weaknesses) == ("", ["few pixels", "blurred"])


@pytest.mark.parametrize("name", ADVICE)
def test_every_cause_has_a_word_and_advice_in_both_languages(name: str) -> None:
    chinese = catalogue("zh_Hans")
    assert QUALITY[name] in chinese
    assert ADVICE[name] in chinese
