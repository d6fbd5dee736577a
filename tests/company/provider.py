"""A company's OpenID Connect provider on loopback, with a key of its own."""

import json
import secrets
import time
from base64 import urlsafe_b64encode
from contextlib import suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT = "countersign-at-corp"
SECRET = "what-only-corp-and-the-site-know"
SLOWLY = "slowly: "
PERSON = {"sub": "0042", "email": "ann@corp.example", "email_verified": True, "name": "Ann Blum"}


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Handler(BaseHTTPRequestHandler):
    server: "Company"
    silent: ClassVar[bool] = True

    def log_message(self, *told: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        url, own = urlsplit(self.path), self.server.url
        if self._answer_wrongly(url.path):
            return
        if url.path == "/.well-known/openid-configuration":
            self._answer(
                {
                    "issuer": own,
                    "authorization_endpoint": f"{own}/authorize",
                    "token_endpoint": f"{own}/token",
                    "userinfo_endpoint": f"{own}/userinfo",
                    "jwks_uri": f"{own}/keys",
                    **self.server.metadata,
                }
            )
        elif url.path == "/keys":
            key = json.loads(RSAAlgorithm.to_jwk(self.server.key.public_key()))
            self._answer({"keys": [{**key, "kid": "one", "use": "sig", "alg": "RS256"}]})
        elif url.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.server.let_through(dict(parse_qsl(url.query))))
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        told = {name: values[0] for name, values in parse_qs(text).items()}
        if self._answer_wrongly(self.path):
            return
        token = self.server.token_for(told)
        self._answer(token or {"error": "invalid_grant"}, 200 if token else 400)

    def _answer_wrongly(self, path: str) -> bool:
        """Answer what the test says, if it does for this path: a text, or an address elsewhere."""
        wrong = self.server.wrong.get(path)
        if wrong is None:
            return False
        if wrong.startswith(SLOWLY):
            self._answer_slowly(wrong.removeprefix(SLOWLY))
            return True
        self.send_response(307 if wrong.startswith("http") else 200)
        self.send_header("Location", wrong[:100])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(wrong)))
        self.end_headers()
        with suppress(OSError):  # the site may have read enough
            self.wfile.write(wrong.encode())
        return True

    def _answer_slowly(self, text: str) -> None:
        """Answer with a text, and go on with a space now and then, until nobody reads any more."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(text.encode())
            for _ in range(100):
                self.server.closing.wait(0.03)
                self.wfile.write(b" ")

    def _answer(self, content: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Company(ThreadingHTTPServer):
    """Signs in whoever comes as `person`.

    `changes` are made to the next tokens, and `metadata` to what is told of the addresses; `wrong`
    has whole answers by their paths.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key = new_key()
        self.closing = Event()
        self.forget()

    def forget(self) -> None:
        self.person: dict[str, Any] = dict(PERSON)
        self.changes: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.wrong: dict[str, str] = {}
        self.signing: dict[str, Any] = {"key": self.key, "algorithm": "RS256"}
        self._codes: dict[str, dict[str, str]] = {}

    @property
    def setting(self) -> dict[str, str]:
        return {"name": "Corp", "url": self.url, "client_id": CLIENT, "secret": SECRET}

    def let_through(self, asked: dict[str, str]) -> str:
        """Return the address to which the browser of somebody goes who has signed in here."""
        assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token_for(self, told: dict[str, str]) -> dict[str, str] | None:
        asked = self._codes.pop(told["code"], None)
        digest = sha256(told.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or asked["code_challenge"] != challenge or told["client_secret"] != SECRET:
            return None
        now = int(time.time())
        own = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims = {**own, **self.person, "nonce": asked["nonce"], **self.changes}
        signed = jwt.encode(claims, headers={"kid": "one"}, **self.signing)
        return {"access_token": "unused", "token_type": "Bearer", "id_token": signed}
