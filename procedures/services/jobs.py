"""Starting jobs: runs of the procedures with which the site works on itself."""

from procedures import registry
from procedures.models import ProcedureVersion
from procedures.models.clock import clock
from procedures.services.quotas import Quota
from procedures.services.startable import Startable, UnknownProcedureError
from procedures.users import User


def find_job(name: str, *, by: User | None, idempotency_key: str = "") -> Startable:
    """Return a job's procedure with everything that its start depends on.

    The caller has checked that the person may do what the job does: no role is needed on a job's
    procedure, and neither limits nor stops of new runs apply.
    """
    definition = registry.find(name)
    if definition is None:
        raise UnknownProcedureError(name)
    versions = ProcedureVersion.objects.select_related("procedure").defer("source")
    version = versions.filter(procedure__name=name, version=definition.version).first()
    now = clock.now()
    return Startable(definition, by, idempotency_key, now, version, None, Quota(now))
