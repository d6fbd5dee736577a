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
"""The packages of the extra `push`, which encrypt and sign messages."""
LENGTH = 32
CONTACT = re.compile(r"mailto:[^@\s]+@[^@\s]+|https://[^\s/]+\S*")


@dataclass(frozen=True, slots=True)
class PushKey:
    """The site's key pair, and the address at which push services can contact the site's owner."""

    private: str
    public: str
    contact: str


def push_key() -> PushKey | None:
    """Return the site's key pair, or None if the site can't send push notifications."""
    if not conf.PUSH_KEY or not is_installed() or any(faults_of_settings()):
        return None
    return PushKey(conf.PUSH_KEY, public_key_of(conf.PUSH_KEY), contact())


def is_installed() -> bool:
    return all(map(find_spec, PACKAGES))


def contact() -> str:
    """Return the setting `PUSH_CONTACT`. If it is empty, return the site's address."""
    return conf.PUSH_CONTACT or conf.SITE_URL


def faults_of_settings() -> Iterator[str]:
    """Yield a sentence about each setting that is wrong. The sentences don't contain the key."""
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
    """Return the public key that belongs to a private key, as text.

    Raises `ValueError` if the private key isn't valid.
    """
    number = decoded(private)
    if len(number) != LENGTH:
        raise ValueError("A key has 32 bytes.")
    key = ec.derive_private_key(int.from_bytes(number, "big"), ec.SECP256R1()).public_key()
    return encoded(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Return the bytes that a text encodes in base64url without padding.

    Raises `ValueError` if the text isn't base64url without padding.
    """
    try:
        content = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("This isn't base64url.") from error
    if not secrets.compare_digest(encoded(content), text):
        raise ValueError("This isn't base64url.")
    return content
