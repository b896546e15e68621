"""The small country of the demonstration: its organisations, its people, and the pictures they bring.

The pictures come with packages that are installed anyway: an astronaut's portrait (scikit-image) and a group
of six (insightface). Every name and story is invented.
"""

import secrets
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from api.accounts import service as accounts
from api.accounts.policy import Role
from api.accounts.schemas import NewOrganisation, NewUser
from api.cli.terminal import language
from api.gallery.matcher import Matcher
from api.kit.node import Node
from facematch import images

ORGANISATIONS = {
    "shelter": ("杭州市救助管理站 · Hangzhou shelter", "shelter", "city", "330100"),
    "police": ("成都市公安局 · Chengdu police", "police", "city", "510100"),
    "police_south": ("广州市公安局 · Guangzhou police", "police", "city", "440100"),
    "ministry": ("民政部社会事务司 · Ministry of Civil Affairs", "civil_affairs", "ministry", "000000"),
    "experts_east": ("上海人像鉴定中心 · Shanghai portrait experts", "expert_unit", "province", "310000"),
    "experts_inland": ("湖北人像鉴定中心 · Hubei portrait experts", "expert_unit", "province", "420000"),
    "operator": ("平台运行中心 · Platform operations", "node", "ministry", "000000"),
}
PEOPLE = {
    "registrar": ("shelter", {Role.REGISTRAR}, "林晓 · Lin Xiao, registrar"),
    "lead": ("shelter", {Role.STATION_LEAD}, "周站长 · Zhou, station lead"),
    "liaison": ("shelter", {Role.LIAISON}, "何静 · He Jing, liaison"),
    "police": ("police", {Role.REQUESTER}, "赵警官 · Officer Zhao"),
    "verifier": ("police", {Role.VERIFIER}, "孙警官 · Officer Sun, verification"),
    "south": ("police_south", {Role.REQUESTER}, "陈警官 · Officer Chen"),
    "coordinator": ("ministry", {Role.COORDINATOR}, "吴处长 · Director Wu, coordinator"),
    "expert1": ("experts_east", {Role.EXPERT, Role.ADJUDICATOR}, "钱专家 · Expert Qian"),
    "expert2": ("experts_inland", {Role.EXPERT}, "郑专家 · Expert Zheng"),
    "auditor": ("ministry", {Role.AUDITOR}, "冯审计 · Auditor Feng"),
    "admin": ("operator", {Role.ADMINISTRATOR}, "运维 · Administrator"),
}


@dataclass(frozen=True)
class Pictures:
    """JPEG or PNG bytes; the `later` ones are worse shots of the same people."""

    portrait: bytes
    later: bytes
    group: bytes
    group_choice: int
    relative_later: bytes
    nobody: bytes


def settle(node: Node) -> tuple[str, dict[str, str]]:
    """Make organisations and users; returns the common password (made anew each time) and a token for each login."""
    password, tokens = f"home-{secrets.token_urlsafe(12)}", {}
    now = node.clock()
    with node.db.write() as session:
        organisations = {
            key: accounts.add_organisation(
                session, NewOrganisation(name=name, type=kind, level=level, region=region), by=None, now=now
            ).id
            for key, (name, kind, level, region) in ORGANISATIONS.items()
        }
        for login, (organisation, roles, name) in PEOPLE.items():
            new = NewUser(
                organisation_id=organisations[organisation],
                login=login,
                name=name,
                password=password,
                roles=roles,
                language=language(),
            )
            user = accounts.add_user(session, new, by=None, settings=node.settings, now=now)
            _, tokens[login] = accounts.issue_token(session, user, label="demo", days=1, now=now)
    return password, tokens


def gather_pictures(matcher: Matcher) -> Pictures:
    """Read the packaged photographs and make the later shots and the single portraits from them."""
    portrait = _packaged("skimage", "data/astronaut.png")
    group = _packaged("insightface", "data/images/t1.jpg")
    _image, faces = matcher.eye.faces_in(group)
    by_place = sorted(range(len(faces)), key=lambda n: faces[n].detection.box.x)
    chosen, stranger = by_place[2], by_place[3]  # two men
    return Pictures(
        portrait=portrait,
        later=images.degrade(images.clean(portrait).jpeg, scale=0.75, brightness=0.6, jpeg_quality=40, turn_degrees=7),
        group=group,
        group_choice=chosen,
        relative_later=images.degrade(
            images.face_picture(group, faces[chosen].detection.box, max_side=400),
            scale=0.9,
            brightness=0.8,
            jpeg_quality=60,
            turn_degrees=4,
        ),
        nobody=images.face_picture(group, faces[stranger].detection.box, max_side=400),
    )


def _packaged(package: str, path: str) -> bytes:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return (Path(spec.submodule_search_locations[0]) / path).read_bytes()
