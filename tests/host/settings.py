"""The shop's settings: nothing of them is the product's."""

import os
from pathlib import Path

FOLDER = Path(os.environ["SHOP_FOLDER"])
CHECKOUT = Path(__file__).resolve().parent.parent.parent
SECRET_KEY = "the shop's own key, and long enough to be one"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "tests.host.shop",
    "tests.host.chat",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "ninja",
    "procedures",
    "chat",
    "dashboard",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "dashboard.http.content_security.ContentSecurityMiddleware",
    "dashboard.api.middleware.ApiMiddleware",
    "dashboard.http.origin.OriginMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dashboard.http.time_zone.TimeZoneMiddleware",
    "dashboard.http.caching.PrivateMiddleware",
    "dashboard.http.presence.PresenceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "dashboard.http.removed.RemovedMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "dashboard.http.templating.VisibleTemplates",
        "NAME": "django",
        "DIRS": [CHECKOUT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.http.time_zone.own_time_zone",
            ]
        },
    }
]
ROOT_URLCONF = "tests.host.urls"
LOGIN_URL = "countersign:sign_in"
STATIC_URL = "static/"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "dashboard.http.bundles.BundlingFinder",
]
AUTH_USER_MODEL = "shop.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "shop.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
MEDIA_ROOT = FOLDER / "files"
COUNTERSIGN = {"REDIS_URL": os.environ["SHOP_REDIS"]}
