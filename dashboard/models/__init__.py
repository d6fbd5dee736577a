"""Models for sign-ins, API tokens, preferences and the groups that every site has."""

from dashboard.models.announcement import Announcement
from dashboard.models.former_name import FormerName
from dashboard.models.links import LinkCounter
from dashboard.models.preferences import Preferences
from dashboard.models.push import PushReceipt, PushSubscription
from dashboard.models.retired_group import RetiredGroup
from dashboard.models.sign_in import SignIn
from dashboard.models.standard_group import StandardGroup
from dashboard.models.token import ApiToken, Scope

__all__ = [
    "Announcement",
    "ApiToken",
    "FormerName",
    "LinkCounter",
    "Preferences",
    "PushReceipt",
    "PushSubscription",
    "RetiredGroup",
    "Scope",
    "SignIn",
    "StandardGroup",
]
