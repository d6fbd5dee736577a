"""The site's administration of procedures and runs.

It looks after the site as a whole: what somebody sees here follows Django's own `view_`
permissions and not the roles per procedure, which rule the API and the pages.
"""

from procedures.admin import procedure, run, site

__all__ = ["procedure", "run", "site"]
