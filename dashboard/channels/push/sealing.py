"""The encryption and signing of messages to push services.

A message is encrypted for one browser (RFC 8291), and signed for the push service (RFC 8292). The
packages for this are imported only when a message is sent, because a site can run without them.
"""

import hashlib
from datetime import timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from dashboard.channels.push.keys import PushKey, decoded, encoded
from dashboard.models import PushSubscription
from procedures.models.clock import clock

SIGNED_FOR = timedelta(hours=12)
TOPIC_BYTES = 24


def sealed(content: bytes, subscription: PushSubscription) -> bytes:
    """Return the content, encrypted so that only the subscribed browser can read it."""
    import http_ece  # noqa: PLC0415

    body: bytes = http_ece.encrypt(
        content,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decoded(subscription.public_key),
        auth_secret=decoded(subscription.secret),
        version="aes128gcm",
    )
    return body


def topic_of(message_key: str) -> str:
    """Return a name for a message, made from its key, which reveals nothing of its content."""
    return encoded(hashlib.sha256(message_key.encode()).digest()[:TOPIC_BYTES])


def headers_for(
    subscription: PushSubscription, key: PushKey, *, topic: str, kept: timedelta
) -> dict[str, str]:
    """Return the HTTP headers with which a message is sent to the push service.

    If the browser isn't running, the push service keeps the message for the time `kept`. A later
    message with the same topic replaces this message at the push service.
    """
    from py_vapid import Vapid02  # noqa: PLC0415

    parts = urlsplit(subscription.endpoint)
    signer = Vapid02.from_raw(key.private.encode())
    # py_vapid's own check would refuse all messages if the contact has a port, a path or a host
    # name without a dot. `keys` has checked the settings.
    signer.conf["no-strict"] = True
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "sub": key.contact,
        "exp": int((clock.now() + SIGNED_FOR).timestamp()),
    }
    return {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(int(kept.total_seconds())),
        "Topic": topic,
        **signer.sign(claims),
    }
