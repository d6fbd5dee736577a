"""The site's administration as a whole, and the tokens programs use."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from dashboard.models import ApiToken
from procedures.admin.history import Admin

admin.site.site_header = admin.site.site_title = "Countersign"
admin.site.index_title = "Administration"


@admin.register(ApiToken)
class ApiTokenAdmin(Admin):
    """Tokens are made by `manage.py create_token`, which shows them once; here they are ended."""

    list_display = ["hint", "user", "created_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "hint"]
    fields = ["user", "hint", "created_at"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
