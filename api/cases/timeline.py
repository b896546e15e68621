"""What happened to a case, from the audit. Who acted and why is never told beyond colleagues and coordinators."""

from sqlalchemy.orm import Session

from api.accounts.policy import Actor, Role
from api.audit import service as audit
from api.audit.models import AuditEntry
from api.cases import service
from api.cases.models import Case
from api.cases.schemas import TimelineEntryOut, TimelineOut


def of_case(session: Session, actor: Actor, case_id: str, *, after: int, limit: int) -> TimelineOut:
    """The acts after a sequence number, oldest first. Raises NotPermitted, NotFound."""
    case = service.see_case(session, actor, case_id)
    entries = [entry for entry in audit.entries_of_case(session, case_id) if entry.seq > after]
    items = [_entry_out(entry, case, actor) for entry in entries[:limit]]
    return TimelineOut(items=items, next_after=items[-1].seq if len(entries) > limit else None)


def _entry_out(entry: AuditEntry, case: Case, actor: Actor) -> TimelineEntryOut:
    told = entry.organisation_id == actor.organisation_id or actor.covers(Role.COORDINATOR, case.region)
    return TimelineEntryOut(
        seq=entry.seq,
        at=entry.at,
        act=entry.act,
        organisation_id=entry.organisation_id,
        user_id=entry.user_id if told else None,
        reason=entry.reason if told else None,
        facts=entry.facts,
    )
