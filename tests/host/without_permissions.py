"""The shop's settings with a user model that has no groups and permissions."""

from tests.host.settings import *  # noqa: F403
from tests.host.settings import INSTALLED_APPS

INSTALLED_APPS = ["tests.host.plain", *INSTALLED_APPS]
AUTH_USER_MODEL = "plain.Visitor"
