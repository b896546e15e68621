"""Every table of the house in one place, so that migrations and tests see them all. Holds no logic."""

from api.accounts import models as accounts
from api.audit import models as audit
from api.cases import models as cases
from api.gallery import models as gallery
from api.jobs import models as jobs
from api.kit import idempotency
from api.kit.db import Base
from api.notices import models as notices
from api.requests import models as requests
from api.reunions import models as reunions
from api.reviews import models as reviews
from api.search import models as search

METADATA = Base.metadata
ROOMS = (accounts, audit, cases, gallery, idempotency, jobs, notices, requests, reunions, reviews, search)
