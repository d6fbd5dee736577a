"""The site's administration of procedures and runs.

It serves the site as a whole: access follows Django's own `view_` permissions, not the roles per
procedure, which govern the API and the pages.
"""

from procedures.admin import procedure, run, site

__all__ = ["procedure", "run", "site"]
