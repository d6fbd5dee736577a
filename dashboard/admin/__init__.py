"""The site's administration.

It looks after the site as a whole: what somebody sees here follows Django's own `view_` permissions
and not the roles per procedure, which rule the API and the pages.
"""

from dashboard.admin import chat, installation, log, people, procedure, run, site

__all__ = ["chat", "installation", "log", "people", "procedure", "run", "site"]
