"""The run of a bulk import: every core looks at pictures while what was seen before is written down.

A lot of persons is one transaction that also remembers their lines; a lot that is refused is written person by person.
Never decodes a picture twice, and never writes somebody down without the faces that were seen.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy.orm import Session

from api.accounts.policy import Actor
from api.cases import photos
from api.cases import service as cases
from api.cases.models import Photo
from api.cases.schemas import NewFoundPerson
from api.cli.import_table import Line, Outcome, person_in
from api.gallery import enrol
from api.gallery.matcher import Matcher
from api.kit import idempotency
from api.kit.node import Node
from api.kit.problems import InvalidInput, NotFound, Refusal
from facematch.pipeline import Refused, extract_many
from facematch.types import Face

LOT = 64  # pictures a transaction: more make it no cheaper, and a lot that is cut off is looked at again
WAITING = {"no_face": "no-face", "needs_choice": "face-choice-needed"}  # the outcome's code by the photo's state


@dataclass(frozen=True)
class Import:
    """One table in the name of one registrar; `batch` is the same whenever the same table comes."""

    node: Node
    matcher: Matcher
    actor: Actor
    folder: Path
    batch: str


@dataclass
class Looked:
    """One person of the table: what is said, the pictures that were let in with their faces, and what was refused."""

    lines: Sequence[Line]
    said: NewFoundPerson
    seen: list[tuple[Line, photos.Prepared, Sequence[Face]]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


def done_before(node: Node, actor: Actor, batch: str) -> dict[str, list[Outcome]]:
    """What earlier runs of the same table did, by person."""
    with node.db.read() as session:
        known = idempotency.answers_under(session, actor.user_id, _key(batch))
    return {person: [Outcome(**outcome) for outcome in answer["outcomes"]] for person, answer in known.items()}


def register_all(
    work: Import, persons: Sequence[list[Line]], *, known: Mapping[str, list[Outcome]], done: Callable[[int], None]
) -> list[Outcome]:
    """Register everybody who is not `known` from an earlier run; `done` hears of so many persons more."""
    outcomes = [outcome for earlier in known.values() for outcome in earlier]
    new = [lines for lines in persons if lines[0].person not in known]
    done(len(persons) - len(new))
    writing: deque[tuple[int, Future[list[Outcome]]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="write") as writer:
        for lot in _lots(new):
            writing.append((len(lot), writer.submit(_write_lot, work, _look_at(work, lot, outcomes))))
            if len(writing) > 1:
                outcomes += _written(*writing.popleft(), done)
        while writing:
            outcomes += _written(*writing.popleft(), done)
    return outcomes


def _written(persons: int, writing: Future[list[Outcome]], done: Callable[[int], None]) -> list[Outcome]:
    outcomes = writing.result()
    done(persons)
    return outcomes


def _lots(persons: Sequence[list[Line]]) -> Iterator[list[list[Line]]]:
    lot: list[list[Line]] = []
    for lines in persons:
        lot.append(lines)
        if sum(map(len, lot)) >= LOT:
            yield lot
            lot = []
    if lot:
        yield lot


def _look_at(work: Import, lot: list[list[Line]], outcomes: list[Outcome]) -> list[Looked]:
    """Look at every picture of a lot and store it sealed; persons whose line is wrong are refused unseen."""
    looked = []
    for lines in lot:
        try:
            looked.append(Looked(lines, person_in(lines[0])))
        except ValidationError:
            outcomes += _refused(lines, InvalidInput.code)
    answers = extract_many(
        work.matcher.eye,
        _pictures(work.folder, looked),
        workers=work.matcher.at_once,
        limits=photos.limits_of(work.node.settings),
        storing=True,
    )
    for answer in answers:
        person, line, digest = answer.key
        if isinstance(answer, Refused):
            person.outcomes += _refused([line], answer.refusal.code)
        elif answer.clean is not None:
            prepared = photos.store(work.node, answer.clean, upload_sha256=digest)
            person.seen.append((line, prepared, answer.faces))
    return looked


def _pictures(folder: Path, persons: Sequence[Looked]) -> Iterator[tuple[tuple[Looked, Line, str], bytes]]:
    for person in persons:
        for line in person.lines:
            try:
                data = _read_inside(folder, line.cells["file"])
            except NotFound as refusal:
                person.outcomes += _refused([line], refusal.code)
            else:
                yield (person, line, hashlib.sha256(data).hexdigest()), data


def _read_inside(folder: Path, name: str) -> bytes:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise NotFound(file=name)
    return path.read_bytes()


def _write_lot(work: Import, persons: Sequence[Looked]) -> list[Outcome]:
    """One transaction; where somebody is refused, one for each person."""
    try:
        with work.node.db.write() as session:
            return _write(session, work, persons)
    except Refusal as refusal:
        if len(persons) == 1:
            return _refused(persons[0].lines, refusal.code)
    return [outcome for person in persons for outcome in _write_lot(work, [person])]


def _write(session: Session, work: Import, persons: Sequence[Looked]) -> list[Outcome]:
    """Cases, pictures, faces, who is found now, and the memory of having done it."""
    now, actor = work.node.clock(), work.actor
    seen = [person for person in persons if person.seen]
    made = cases.register_many_found(session, actor, [person.said for person in seen], now=now)
    news = [
        photos.NewPhoto(case.persons[0], prepared, "capture", line.cells["taken_on"], "import")
        for case, person in zip(made, seen, strict=True)
        for line, prepared, _ in person.seen
    ]
    added = photos.add_photos(session, actor, news, settings=work.node.settings, now=now)
    faces = [faces for person in seen for _, _, faces in person.seen]
    enrol.write_down(session, work.node, list(zip(added, faces, strict=True)), now=now)
    written = iter(added)
    answers = {
        _key(work.batch) + person.lines[0].person: [
            *person.outcomes,
            *(_registered(line, next(written)) for line, _, _ in person.seen),
        ]
        for person in persons
    }
    stored = {key: {"outcomes": [vars(outcome) for outcome in outcomes]} for key, outcomes in answers.items()}
    idempotency.keep_all(session, actor.user_id, stored, request_digest=work.batch, now=now)
    return [outcome for outcomes in answers.values() for outcome in outcomes]


def _key(batch: str) -> str:
    return f"import/{batch}/"


def _registered(line: Line, photo: Photo) -> Outcome:
    kind = "registered" if photo.state == "enrolled" else "waiting"
    return Outcome(line.number, line.cells["file"], kind, WAITING.get(photo.state, ""), photo.case_id)


def _refused(lines: Sequence[Line], code: str) -> list[Outcome]:
    return [Outcome(line.number, line.cells["file"], "refused", code) for line in lines]
