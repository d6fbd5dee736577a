"""Procedures that only the tests know, and what became of them."""

# ruff: noqa: F403 (tests name what they need)

from tests.procedures.agents import *
from tests.procedures.audited import *
from tests.procedures.careless import *
from tests.procedures.conversing import *
from tests.procedures.decided import *
from tests.procedures.doings import *
from tests.procedures.families import *
from tests.procedures.faults import *
from tests.procedures.forked import *
from tests.procedures.forms import *
from tests.procedures.held import *
from tests.procedures.inboxes import *
from tests.procedures.inputs import *
from tests.procedures.keeping import *
from tests.procedures.kinships import *
from tests.procedures.large import *
from tests.procedures.limited import *
from tests.procedures.moments import *
from tests.procedures.named import *
from tests.procedures.others import *
from tests.procedures.parallel import *
from tests.procedures.questions import *
from tests.procedures.ratings import *
from tests.procedures.reaching import *
from tests.procedures.readings import *
from tests.procedures.retried import *
from tests.procedures.secretive import *
from tests.procedures.seeds import *
from tests.procedures.serving import *
from tests.procedures.showing import *
from tests.procedures.shown import *
from tests.procedures.steps import *
from tests.procedures.talking import *
from tests.procedures.together import *
from tests.procedures.traces import *
from tests.procedures.unkept import *
from tests.procedures.writes import *
from tests.procedures.writing import *
