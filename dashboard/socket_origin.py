"""Which pages may open the live socket: the site's own, and no other server's on its host."""

from django.conf import settings

from dashboard.access_log import Application, Receive, Scope, Send


class OwnOrigin:
    """Wraps the sockets. Cookies are shared by all ports of a host, so the port counts, too."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
        is_own = origin.partition("://")[2] == host or origin in settings.CSRF_TRUSTED_ORIGINS
        if is_own:
            await self._application(scope, receive, send)
        else:
            await send({"type": "websocket.close"})
