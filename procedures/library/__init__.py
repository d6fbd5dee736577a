"""The procedures that are part of the product: a module each, written as any author would."""

SHIPPED = (
    "procedures.library.ask",
    "procedures.library.outside",
    "procedures.jobs.acting",
    "procedures.jobs.verification",
)
"""The import paths of the product's own procedure modules, which every site loads."""
ACT_ON_RUNS, VERIFY_SITE = "act_on_runs", "verify_site"
JOBS = frozenset({ACT_ON_RUNS, VERIFY_SITE})
"""The procedures with which a site works on itself; people don't start them on the usual pages."""
OUTSIDE = frozenset({"ask", "outside"})
"""The procedures whose questions come from external programs, not from the site's authors."""
