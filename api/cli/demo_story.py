"""What happens in the demonstration, step by step, as the people in it would do it: through the JSON interface.

Every step says what was done and what the service answered; an answer that is not the expected one ends the story.
"""

from datetime import UTC, datetime, timedelta

from api.cli.demo_line import Answer, Line, StoryBroken
from api.cli.demo_world import Pictures
from api.cli.terminal import say
from api.kit.i18n import N_


class Story:
    """The whole loop, told once."""

    def __init__(self, line: Line, pictures: Pictures) -> None:
        self._line = line
        self._pictures = pictures
        self._today = datetime.now(UTC).date()

    def tell(self) -> None:
        """From two registrations in two provinces to a person at home; leaves a second pair for the reader."""
        report = self._report_mother()
        self._report_relative()
        found = self._register_found()
        request = self._search(report)
        self._search_nobody()
        hypothesis = self._pair_of(request)
        self._review(hypothesis)
        self._bring_home(hypothesis, found)
        self._leave_second_pair()

    def _report_mother(self) -> Answer:
        say(N_("\n1. Chengdu: the police file a report; the family brings a portrait of last year."))
        report = self._line.post(
            "police",
            "/v1/missing-reports",
            _report("王秀兰", sex=2, age=(45, 50), category="dementia", on=self._ago(390)),
        )
        self._add_photo("police", report["id"], self._pictures.portrait, role="reference", taken_on=self._ago(400))
        say(N_("   Filed, the face is enrolled; from now on every new admission anywhere is compared with her."))
        return report

    def _report_relative(self) -> None:
        say(N_("\n2. Guangzhou: another report; the family only has a group picture with six faces."))
        body = _report("李建国", sex=1, age=(30, 40), category="stranded", on=self._ago(690))
        report = self._line.post("south", "/v1/missing-reports", body)
        photo = self._add_photo(
            "south", report["id"], self._pictures.group, role="reference", taken_on=self._ago(700), state="needs_choice"
        )
        faces = self._line.get("south", f"/v1/photos/{photo['id']}/faces")["items"]
        chosen = faces[self._pictures.group_choice]
        self._line.post("south", f"/v1/photos/{photo['id']}/face", {"face_id": chosen["id"]}, expect=200)
        say(
            N_("   %(count)s faces were found, nobody guessed: the officer chose the one the family pointed at."),
            count=len(faces),
        )

    def _register_found(self) -> Answer:
        say(N_("\n3. Hangzhou: a shelter registers a woman who cannot say her name; the picture is small and dark."))
        found = self._line.post("registrar", "/v1/found-persons", _found(sex=2, age=(40, 55), on=self._ago(1)))
        self._add_photo("registrar", found["id"], self._pictures.later, role="capture", taken_on=self._ago(1))
        notices = self._line.wait(lambda: self._line.get("police", "/v1/notices")["items"])
        say(
            N_("   Nobody pressed a button: the standing search told both sides. Chengdu reads: %(notice)s"),
            notice=notices[0]["sentence"],
        )
        return found

    def _search(self, report: Answer) -> Answer:
        say(N_("\n4. Chengdu raises a search request and searches."))
        request = self._raise_request("police", report["id"], "find_missing_person")
        run = self._run("police", request["id"], report["id"])
        self._say_coverage(run)
        best = run["candidates"][0]
        say(
            N_("   First of %(count)s: %(sentence)s"),
            count=len(run["candidates"]),
            sentence=best["likelihood"]["sentence"],
        )
        if best["likelihood"]["ratio"]:
            say(N_("   Likelihood ratio: %(ratio)s"), ratio=best["likelihood"]["ratio"])
        return request

    def _search_nobody(self) -> None:
        say(N_("\n5. Hangzhou searches for a man whom nobody has reported."))
        case = self._line.post("registrar", "/v1/found-persons", _found(sex=1, age=(25, 40), on=self._ago(2)))
        self._add_photo("registrar", case["id"], self._pictures.nobody, role="capture", taken_on=self._ago(2))
        request = self._raise_request("registrar", case["id"], "identify_found_person")
        run = self._run("registrar", request["id"], case["id"])
        if run["candidates"]:
            raise StoryBroken("somebody was proposed for a person nobody seeks")
        self._say_coverage(run)

    def _pair_of(self, request: Answer) -> str:
        say(N_("\n6. Chengdu looks at the pair; the ministry invites two experts of other provinces."))
        candidates = self._line.get("police", f"/v1/requests/{request['id']}/candidates")["items"]
        hypothesis = str(candidates[0]["id"])
        self._line.post("police", f"/v1/hypotheses/{hypothesis}/events", {"event": "screen"}, expect=200)
        for expert in ("expert1", "expert2"):
            self._line.post("coordinator", f"/v1/hypotheses/{hypothesis}/reviews", {"reviewer": expert})
        return hypothesis

    def _review(self, hypothesis: str) -> None:
        for expert in ("expert1", "expert2"):
            review = self._line.get(expert, "/v1/reviews")["items"][0]
            for side in ("found", "sought"):
                self._line.look_at_picture(expert, f"/v1/reviews/{review['id']}/images/{side}")
            body = {
                "suitability_found": "limited",
                "suitability_sought": "suitable",
                "features": {
                    "eyes": "similar",
                    "nose": "similar",
                    "mouth": "similar",
                    "face_outline": "similar",
                    "hairline": "similar",
                },
                "conclusion": 2,
                "limits": "The later picture is dark and small.",
            }
            self._line.post(expert, f"/v1/reviews/{review['id']}/submission", body, expect=200)
        state = self._line.get("police", f"/v1/hypotheses/{hypothesis}")["state"]
        say(
            N_("   Two experts compared the faces, blind to each other and to the score. The pair is now: %(state)s"),
            state=state,
        )

    def _bring_home(self, hypothesis: str, found: Answer) -> None:
        say(N_("\n7. A face is never enough: the police verify by other means, then the liaison brings her home."))
        path = f"/v1/hypotheses/{hypothesis}"
        body = {
            "kind": "household",
            "result": "matches",
            "authority": "成都市公安局户籍处",
            "reference": "户籍核查 2026-118",
        }
        self._line.post("verifier", f"{path}/verifications", body)
        state = self._line.get("police", path)["state"]
        say(N_("   Household register agrees. The pair is now: %(state)s"), state=state)
        body = {
            "handed_over_on": self._today.isoformat(),
            "region": "510100",
            "wish": "agreed",
            "note": "女儿到站接回。",
        }
        handover = self._line.post("liaison", f"{path}/reunification", body)
        state = self._line.get("registrar", f"/v1/cases/{found['id']}")["state"]
        say(N_("   Handed over; the case of the found person is now: %(state)s"), state=state)
        first = handover["follow_ups"][0]
        self._line.post(
            "liaison",
            f"/v1/follow-ups/{first['id']}/outcome",
            {"outcome": "well", "note": "电话回访，情况良好。"},
            expect=200,
        )
        closed = self._line.post("lead", f"/v1/cases/{found['id']}/close", {}, expect=200)
        say(
            N_("   A first follow-up says she is well; only now the case may be closed: %(state)s"),
            state=closed["state"],
        )

    def _leave_second_pair(self) -> None:
        say(N_("\n8. The shelter registers one more man; the standing search finds whom the group picture showed."))
        case = self._line.post("registrar", "/v1/found-persons", _found(sex=1, age=(30, 45), on=self._ago(1)))
        self._add_photo("registrar", case["id"], self._pictures.relative_later, role="capture", taken_on=self._ago(1))
        pairs = self._line.wait(lambda: self._line.get("registrar", f"/v1/cases/{case['id']}/hypotheses")["items"])
        say(N_("   %(count)s pair waits for people to look at it. This one is yours."), count=len(pairs))

    def _raise_request(self, login: str, case_id: str, purpose: str) -> Answer:
        body = {"purpose": purpose, "reason": "家属寻找，需跨区域比对。", "urgency": "urgent"}
        return self._line.post(login, f"/v1/cases/{case_id}/requests", body)

    def _run(self, login: str, request_id: str, case_id: str) -> Answer:
        photos = self._line.get(login, f"/v1/cases/{case_id}/photos")["items"]
        face = self._line.get(login, f"/v1/photos/{photos[0]['id']}/faces")["items"][0]
        data = {"face_id": face["id"], "reason": "首次全库检索。"}
        return self._line.send(login, f"/v1/requests/{request_id}/searches", data)

    def _say_coverage(self, run: Answer) -> None:
        say("   %(sentence)s", sentence=run["coverage"]["sentence"])

    def _add_photo(
        self, login: str, case_id: str, data: bytes, *, role: str, taken_on: str, state: str = "enrolled"
    ) -> Answer:
        files, form = {"file": ("photo", data)}, {"role": role, "taken_on": taken_on}
        photo = self._line.send(login, f"/v1/cases/{case_id}/photos", form, files=files, expect=202)
        self._line.wait(lambda: self._line.get(login, f"/v1/photos/{photo['id']}")["state"] == state)
        return photo

    def _ago(self, days: int) -> str:
        return (self._today - timedelta(days=days)).isoformat()


def _report(name: str, *, sex: int, age: tuple[int, int], category: str, on: str) -> Answer:
    person = {"name": name, "sex": sex, "age_low": age[0], "age_high": age[1]}
    return {
        "persons": [person],
        "inquirer": "家属",
        "relation": "子女",
        "contact": "13800000000",
        "category": category,
        "high_risk": True,
        "separated_on": on,
    }


def _found(*, sex: int, age: tuple[int, int], on: str) -> Answer:
    person = {"sex": sex, "age_low": age[0], "age_high": age[1]}
    return {
        "person": person,
        "found_on": on,
        "found_place": "火车东站",
        "dialect": "西南官话",
        "communication": "speaks",
    }
