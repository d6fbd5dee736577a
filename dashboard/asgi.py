"""What daphne serves."""

import os

from django.core.asgi import get_asgi_application

from dashboard.access_log import AccessLog
from dashboard.body_limit import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

application = AccessLog(BodyLimit(get_asgi_application()))
