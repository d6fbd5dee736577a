"""The URLs of company accounts and second factors.

django-allauth knows their names, so they are outside the namespace `countersign`. Its own forms for
signing up, passwords and addresses have no URL here.
"""

from allauth.account.views import reauthenticate as password_again
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as apps
from allauth.mfa.webauthn import views as passkeys
from django.urls import path
from django.views.generic import RedirectView

from dashboard.company import oidc, own

to_factors = RedirectView.as_view(pattern_name="mfa_index")
to_sign_in = RedirectView.as_view(pattern_name="countersign:sign_in", query_string=True)
FACTOR = "second-factor"
urlpatterns = [
    path("company-sign-in/<slug:provider_id>", oidc.sign_in, name="openid_connect_login"),
    path(
        "company-sign-in/<slug:provider_id>/callback", oidc.callback, name="openid_connect_callback"
    ),
    path("company-sign-in/<slug:provider_id>/link", own.link, name="mfa_link_company"),
    path(FACTOR, own.Ways.as_view(), name="mfa_index"),
    path(f"{FACTOR}/companies/<int:number>/removal", own.remove, name="mfa_remove_company"),
    path(f"{FACTOR}/sign-in", to_sign_in, name="account_login"),
    path(f"{FACTOR}/code", factors.authenticate, name="mfa_authenticate"),
    path(f"{FACTOR}/again/code", factors.reauthenticate, name="mfa_reauthenticate"),
    path(
        f"{FACTOR}/again/passkey",
        passkeys.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path(f"{FACTOR}/again/password", password_again, name="account_reauthenticate"),
    path(f"{FACTOR}/app", apps.activate_totp, name="mfa_activate_totp"),
    path(f"{FACTOR}/app/removal", apps.deactivate_totp, name="mfa_deactivate_totp"),
    path(f"{FACTOR}/recovery-codes", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        f"{FACTOR}/recovery-codes/new",
        codes.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(f"{FACTOR}/passkeys", to_factors, name="mfa_list_webauthn"),
    path(f"{FACTOR}/passkeys/new", passkeys.add_webauthn, name="mfa_add_webauthn"),
    path(f"{FACTOR}/passkeys/sign-in", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path(
        f"{FACTOR}/passkeys/<int:pk>/removal", passkeys.remove_webauthn, name="mfa_remove_webauthn"
    ),
]
