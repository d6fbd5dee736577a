"""Removes django-allauth's tables from the admin: they hold secrets, and no list needs them.

The page *Sign-in* of a person shows what there is to see of them, and removes it with a reason.
"""

from django.apps import apps
from django.contrib import admin

for config in apps.get_app_configs():
    for model in config.get_models() if config.name.startswith("allauth") else ():
        if admin.site.is_registered(model):
            admin.site.unregister(model)
