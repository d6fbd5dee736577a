"""The ASGI application that daphne serves: HTTP for pages and the API, and WebSockets."""

import gc
import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from dashboard.http.access_log import AccessLog
from dashboard.http.body_limit import BodyLimit
from dashboard.http.client_address import ClientAddress
from dashboard.http.one_thread import OneThread, StaticFileRouter
from dashboard.mcp.switch import with_mcp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

from dashboard.postgres.base import wait_at_most

wait_at_most(seconds=2)
files = get_asgi_application()  # first, since it loads the apps

from procedures.site_checks import refuse_wrong_settings  # noqa: E402 (it needs the loaded apps)

refuse_wrong_settings()
requests = OneThread()
pages = ClientAddress(AccessLog(BodyLimit(with_mcp(StaticFileRouter(requests, files), requests))))

from django.urls import get_resolver, path  # noqa: E402 (models need the loaded apps)

from dashboard.http.addresses import socket_address  # noqa: E402
from dashboard.http.socket_origin import OwnOrigin  # noqa: E402
from dashboard.live.consumer import serve_socket  # noqa: E402

sockets = URLRouter([path(socket_address().lstrip("/"), serve_socket)])  # type: ignore[arg-type, list-item]
own_sockets = ClientAddress(OwnOrigin(sockets))  # type: ignore[arg-type]
application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": own_sockets,
    }
)

# A full garbage collection of what is loaded takes about 100 ms, in the middle of some request: so
# everything is loaded now, and never looked at again.
get_resolver().url_patterns  # noqa: B018 (reading it imports all pages and the API)
gc.collect()
gc.freeze()
