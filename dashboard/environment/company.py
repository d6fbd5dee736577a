"""The settings of django-allauth for company accounts, passkeys and second factors.

A project with settings of its own adds `APPS` before its other apps, `MIDDLEWARE` after its other
middleware, and `SETTINGS`.
"""

from importlib.util import find_spec
from typing import Any

APPS = [
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
]
"""The apps, which come first, so that our admin can unregister their models that hold secrets."""
MIDDLEWARE = [
    "allauth.account.middleware.AccountMiddleware",
    "dashboard.company.required.SecondFactorMiddleware",
]
SETTINGS: dict[str, Any] = {
    "ACCOUNT_ADAPTER": "dashboard.company.adapters.Accounts",
    "ACCOUNT_EMAIL_VERIFICATION": "none",
    "ACCOUNT_FORMS": {"reauthenticate": "dashboard.company.forms.PasswordAgain"},
    "ACCOUNT_LOGIN_METHODS": {"username"},
    "ACCOUNT_SIGNUP_FIELDS": ["username*"],
    # Attempts are counted by `dashboard.http.throttle`, like those with passwords and links.
    "ACCOUNT_RATE_LIMITS": False,
    "MFA_ADAPTER": "dashboard.company.adapters.Factors",
    "MFA_FORMS": {
        "activate_totp": "dashboard.company.forms.FirstCode",
        "add_webauthn": "dashboard.company.forms.NewPasskey",
        "authenticate": "dashboard.company.forms.Code",
        "authenticate_webauthn": "dashboard.company.forms.Passkey",
        "login_webauthn": "dashboard.company.forms.PasskeyAlone",
        "reauthenticate": "dashboard.company.forms.CodeAgain",
        "reauthenticate_webauthn": "dashboard.company.forms.PasskeyAgain",
    },
    "MFA_PASSKEY_LOGIN_ENABLED": True,
    "MFA_RATE_LIMITS": False,
    "MFA_SUPPORTED_TYPES": ["recovery_codes", "totp", "webauthn"],
    "MFA_TOTP_ISSUER": "Countersign",
    "MFA_TOTP_TOLERANCE": 1,  # periods of 30 seconds by which a phone's clock may be wrong
    "SOCIALACCOUNT_ADAPTER": "dashboard.company.adapters.Companies",
    "SOCIALACCOUNT_EMAIL_VERIFICATION": "none",
}


def is_installed() -> bool:
    """Return True if django-allauth is installed with what its parts need."""
    return all(find_spec(one) is not None for one in ("allauth", "fido2", "qrcode", "jwt"))
