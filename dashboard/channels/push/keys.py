"""The site's key pair, by which push services recognise the site (VAPID, RFC 8292)."""

import binascii
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from procedures.conf import conf

PACKAGES = ("http_ece", "py_vapid")
"""The packages of the extra `push`, which seal and sign messages."""
LENGTH = 32
CONTACT = re.compile(r"mailto:[^@\s]+@[^@\s]+|https://[^\s/]+\S*")


@dataclass(frozen=True, slots=True)
class PushKey:
    """The key pair of this site, and the address at which push services can contact its owner."""

    private: str
    public: str
    contact: str


def push_key() -> PushKey | None:
    """Return the site's key, or None if the site can't send push notifications."""
    if not conf.PUSH_KEY or not is_installed() or any(faults_of_settings()):
        return None
    return PushKey(conf.PUSH_KEY, public_key_of(conf.PUSH_KEY), contact())


def is_installed() -> bool:
    return all(map(find_spec, PACKAGES))


def contact() -> str:
    """Return `PUSH_CONTACT`, or by default the site's address."""
    return conf.PUSH_CONTACT or conf.SITE_URL


def faults_of_settings() -> Iterator[str]:
    """Yield sentences that say what is wrong with the settings; they don't contain the key."""
    try:
        public_key_of(conf.PUSH_KEY)
    except ValueError:
        yield "PUSH_KEY isn't a valid key. Create one with `manage.py create_push_key`."
    if not CONTACT.fullmatch(contact()):
        yield (
            "Push services must be able to reach somebody about this site: set PUSH_CONTACT to an"
            " address such as mailto:admin@site.example, or SITE_URL to one that begins with"
            " https://."
        )


def new_private_key() -> str:
    """Return a new private key as text."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return encoded(number.to_bytes(LENGTH, "big"))


def public_key_of(private: str) -> str:
    """Return the public key of a private one as text; raises `ValueError` if it isn't a key."""
    number = decoded(private)
    if len(number) != LENGTH:
        raise ValueError("A key has 32 bytes.")
    key = ec.derive_private_key(int.from_bytes(number, "big"), ec.SECP256R1()).public_key()
    return encoded(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Return the bytes in base64url without padding; raises `ValueError` for anything else."""
    try:
        content = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("This isn't base64url.") from error
    if not secrets.compare_digest(encoded(content), text):
        raise ValueError("This isn't base64url.")
    return content
