"""The admin of people and groups, in which nobody can grant what they don't have.

Only superusers can rename or delete accounts, give permissions to a person, make somebody staff or
a superuser, and change other staff or other people's passwords. Other staff can add people to the
groups they are in, and give a group, or take from it, permissions that they have themselves.
"""

import hashlib
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from chat.models import Presence
from dashboard.accounts.authority import (
    fault_of_code_name,
    has_more,
    is_last_superuser,
    may_change,
)
from dashboard.accounts.names import Kind, check_name
from dashboard.admin.careful import CarefulAdmin
from dashboard.admin.filters import RelatedRows
from dashboard.admin.history import HistoryAdmin
from dashboard.models import LinkCounter, Preferences, RetiredGroup, SignIn
from procedures.users import User

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
    ChangeForm = UserChangeForm[User]
    NewUserForm = AdminUserCreationForm
else:
    ModelForm, ChangeForm = forms.ModelForm, UserChangeForm
    NewUserForm = AdminUserCreationForm

NOT_PART = {"password", "last_login"}
"""Fields that aren't part of a row's version, so that a sign-in doesn't outdate an open form."""
DATES = ["last_login", "date_joined"]
BY_SUPERUSERS = ["username", "is_staff", "is_superuser", "user_permissions"]
STALE = lazy(
    "Somebody else changed this after you opened the page. "
    "Open it again, check what has changed, and then make your change."
)
LAST = lazy("This is the last active superuser. Make somebody else a superuser first.")

DEACTIVATE = lazy(
    "The history of this site names this account, so it can't be deleted. Untick “Active” instead: "
    "then nobody can sign in with it, and the history stays readable."
)
EMPTY = lazy(
    "The history of this site names this group, so it can't be deleted. Remove its members and "
    "grants instead: then nobody is asked through it."
)
OWN = (Presence, SignIn, Preferences, LinkCounter)
"""Models with rows that belong to an account: deleting the account also deletes these rows."""


def version_of(row: Model) -> str:
    """Return a digest of the values that a form for the row can change."""
    names = row._meta  # noqa: SLF001 (Django documents it)
    fields = [field.attname for field in names.concrete_fields if field.name not in NOT_PART]
    values = [(name, str(getattr(row, name))) for name in fields]
    for many in names.many_to_many:
        held = getattr(row, many.name).order_by("pk").values_list("pk", flat=True)
        values.append((many.name, str(list(held))))
    return hashlib.sha256(repr(values).encode()).hexdigest()


class VersionedForm(ModelForm):
    """A form that is refused if its row was changed after the page with the form was opened."""

    by: User
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "version" in self.fields:
            self.fields["version"].initial = version_of(self.instance)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk and cleaned.get("version") != version_of(self.instance):
            raise forms.ValidationError(STALE)
        return cleaned

    def added(self, name: str) -> list[Any]:
        """Return the related objects that the form would add to the field with this name."""
        before = getattr(self.instance, name).all() if self.instance.pk else []
        return [one for one in self.cleaned_data.get(name, ()) if one not in set(before)]


class AccountForm(VersionedForm, ChangeForm):
    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if name != self.instance.username:
            check_name(Kind.USER, name, self.instance.pk)
        return name

    def clean_groups(self) -> Any:
        added = set(self.added("groups"))
        if not self.by.is_superuser and added - set(self.by.groups.all()):
            raise forms.ValidationError(_("You can add people only to groups that you are in."))
        if RetiredGroup.objects.filter(group__in=added).exists():
            raise forms.ValidationError(_("Nobody can be added to a retired group."))
        return self.cleaned_data["groups"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        stays = all(cleaned.get(name, True) for name in ("is_active", "is_superuser"))
        if not stays and is_last_superuser([self.instance]):
            raise forms.ValidationError(LAST)
        return cleaned


class NewAccountForm(NewUserForm):
    by: User

    def clean_username(self) -> str:
        name = str(super().clean_username())
        check_name(Kind.USER, name, None)
        if fault := fault_of_code_name(name, by=self.by):
            raise forms.ValidationError(fault)
        return name


class GroupForm(VersionedForm):
    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name != self.instance.name:
            check_name(Kind.GROUP, name, self.instance.pk)
        return name

    def clean_permissions(self) -> Any:
        wanted = set(self.cleaned_data["permissions"])
        held = set(self.instance.permissions.all()) if self.instance.pk else set()
        if not all(holds(self.by, one) for one in wanted ^ held):
            raise forms.ValidationError(
                _("You can add or remove only permissions that you have yourself.")
            )
        if wanted - held and RetiredGroup.objects.filter(group=self.instance.pk).exists():
            raise forms.ValidationError(
                _("This group is retired. Put it back into use before you give it permissions.")
            )
        return self.cleaned_data["permissions"]


def holds(user: User, permission: Permission) -> bool:
    return user.has_perm(f"{permission.content_type.app_label}.{permission.codename}")


class VersionedAdmin(CarefulAdmin):
    """An admin whose form contains the version of the row.

    While a form is checked, its row is locked.
    """

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return without(fieldsets, "version")
        return [*without(fieldsets, "version"), (None, {"fields": ["version"]})]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is None or request.method != "POST" or not connection.in_atomic_block:
            return found
        # The row is locked while the form is checked: if two people save the same form at once, the
        # second one must see what the first one has changed.
        return self.get_queryset(request).select_for_update().filter(pk=found.pk).first()


def without(fieldsets: Any, *names: str) -> list[Any]:
    """Return the fieldsets of a form without the fields with these names."""
    return [
        (title, {**options, "fields": [name for name in options["fields"] if name not in names]})
        for title, options in fieldsets
    ]


class PersonAdmin(VersionedAdmin, UserAdmin):  # type: ignore[type-arg]
    form = AccountForm
    add_form = NewAccountForm
    list_filter = ("is_staff", "is_superuser", "is_active", ("groups", RelatedRows))
    searched_fields = ("groups",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        if request.user.is_superuser:
            return DATES
        by: Any = request.user
        own = ["is_active", "groups"] if obj.pk == by.pk else []
        return [*DATES, *BY_SUPERUSERS, *own, *(["email"] if has_more(obj, by) else [])]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        may_change = self.has_change_permission(request, obj)  # the page of the password needs it
        if obj is None or (may_change and may_set_password(request.user, obj)):
            return fieldsets
        return without(fieldsets, "password")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        by: Any = request.user
        may = super().has_change_permission(request, obj)
        return may and (obj is None or may_change(by, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only superusers delete accounts.

        If others could, they could create another account with the same name, and that account
        would get the requests that code assigns to the name.
        """
        return request.user.is_superuser and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deleted, counts, needed, kept = super().get_deleted_objects(objs, request)
        needed, kept = describe_obstacles(needed, kept, str(DEACTIVATE))
        return deleted, counts, needed, [*kept, LAST] if is_last_superuser(list(objs)) else kept

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 (Django's name)
        form_url: str = "",
    ) -> HttpResponse:
        user = self.get_object(request, unquote(id))
        if user is not None and not may_set_password(request.user, user):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)


def may_set_password(by: Any, user: User) -> bool:
    """Return True if `by` may set the password of the user, and so could sign in as the user."""
    return bool(by.is_superuser or by.pk == user.pk)


def describe_obstacles(needed: Any, kept: Any, remedy: str) -> tuple[set[str], list[Any]]:
    """Return the permissions that a deletion lacks, and sentences about why it is impossible.

    Rows of the history can't be deleted by anybody, so they are a reason, and not a missing
    permission.
    """
    needed, models = set(map(str, needed)), admin.site._registry  # noqa: SLF001
    history = {
        str(model._meta.verbose_name)  # noqa: SLF001
        for model, its_admin in models.items()
        if isinstance(its_admin, HistoryAdmin)
    }
    own = {str(model._meta.verbose_name) for model in OWN}  # noqa: SLF001
    stops = sorted((set(needed) & history) - own)
    if not stops and not kept:
        return set(needed) - own, []
    also = f" ({', '.join(stops)})" if stops else ""
    return set(needed) - history, [f"{remedy}{also}", *kept]


class PeopleGroupAdmin(VersionedAdmin, GroupAdmin):
    form = GroupForm

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deleted, counts, needed, kept = super().get_deleted_objects(objs, request)
        return deleted, counts, *describe_obstacles(needed, kept, str(EMPTY))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Let only superusers rename groups, because code assigns requests to groups by name."""
        return [] if obj is None or request.user.is_superuser else ["name"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_delete_permission(request, obj)
        is_foreign = obj is not None and not request.user.groups.filter(pk=obj.pk).exists()
        return may and (request.user.is_superuser or not is_foreign)


def _replace(model: type[Model], djangos: type[Any], ours: type[Any]) -> None:
    """Register our admin for a model, unless the site has registered another one than Django's."""
    if type(admin.site._registry.get(model)) is djangos:  # noqa: SLF001
        admin.site.unregister(model)
        admin.site.register(model, ours)


_replace(User, UserAdmin, PersonAdmin)
_replace(Group, GroupAdmin, PeopleGroupAdmin)
