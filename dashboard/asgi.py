"""What daphne serves."""

import os

from django.core.asgi import get_asgi_application

from dashboard.access_log import AccessLog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

application = AccessLog(get_asgi_application())
