"""The product's settings without what draws."""

from dashboard.settings import *  # noqa: F403

INSTALLED_APPS = ["chat", "procedures", "django.contrib.auth", "django.contrib.contenttypes"]
MIDDLEWARE = []
TEMPLATES = []
ROOT_URLCONF = "tests.headless.urls"
