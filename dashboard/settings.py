"""Django's settings; everything that differs between sites comes from environment variables."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url

from dashboard.environment import company
from dashboard.environment.addresses import split_words
from dashboard.environment.values import MailServer
from dashboard.environment.variables import read_environment

environment = read_environment()
BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = environment.LOCAL_DIR
SECRET_KEY = environment.secret_key()
SECRET_KEY_FALLBACKS = [key.get_secret_value() for key in environment.SECRET_KEY_FALLBACKS]
DEBUG = environment.DEBUG
ALLOWED_HOSTS = split_words(environment.ALLOWED_HOSTS)
SITE_URL = environment.site_url()

INSTALLED_APPS = [
    "dashboard",
    "chat",
    "procedures",
    "django_htmx",
    "ninja",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "dashboard.http.compression.CompressionMiddleware",
    "dashboard.http.content_security.ContentSecurityMiddleware",
    "dashboard.api.middleware.ApiMiddleware",
    "dashboard.http.static_files.static_files",
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
if environment.COMPANY_SIGN_IN and company.is_installed():
    INSTALLED_APPS = [*company.APPS, *INSTALLED_APPS]
    MIDDLEWARE += company.MIDDLEWARE
    vars().update(company.SETTINGS)
    MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = environment.is_embedded  # browsers allow it on localhost
ROOT_URLCONF = "dashboard.site_urls"
ASGI_APPLICATION = "dashboard.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "dashboard.http.templating.VisibleTemplates",
        "NAME": "django",
        "DIRS": [BASE_DIR / "templates"],
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

SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": LOCAL_DIR / "countersign.sqlite3",
}
DATABASES = {
    "default": dj_database_url.parse(environment.DATABASE_URL)
    if environment.DATABASE_URL
    else SQLITE
}
DATABASES["default"]["OPTIONS"] = (
    {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # seconds a writer waits for another
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    if DATABASES["default"]["ENGINE"].endswith("sqlite3")
    else {
        "pool": {"min_size": 0, "max_size": 20, "timeout": 20},
        "prepare_threshold": 3,  # for the statements of steps; Django's aren't prepared
    }
) | DATABASES["default"].get("OPTIONS", {})  # options in the URL, such as sslmode
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["ENGINE"] = "dashboard.postgres"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_URL = environment.broker_url()
CELERY_WORKER_CONCURRENCY = environment.WORKER_SLOTS

COUNTERSIGN: dict[str, Any] = {
    "SITE_URL": SITE_URL,
    "REDIS_URL": environment.redis_url(),
    "BASE_DIR": BASE_DIR,
    "LOCAL_DIR": LOCAL_DIR,
    "IS_EMBEDDED": environment.is_embedded,
    "LEDGER_KEY": environment.ledger_key(),
    "LEDGER_KEY_FALLBACKS": [key.get_secret_value() for key in environment.LEDGER_KEY_FALLBACKS],
    "PROCEDURE_MODULES": environment.procedure_modules(),
    "PROCEDURE_FILES": split_words(environment.PROCEDURE_FILES),
    "PROCEDURE_READERS": environment.PROCEDURE_READERS or {},
    "LARGEST_PROCEDURE_FILE": environment.LARGEST_PROCEDURE_FILE,
    "NOTICES_EDITED_FILES": environment.is_embedded,
    "AGENT_MODEL": environment.AGENT_MODEL,
    "REQUEST_KINDS": split_words(environment.REQUEST_KINDS),
    "CHANNELS": split_words(environment.CHANNELS),
    "WEBHOOKS": environment.WEBHOOKS or {},
    "WEBHOOKS_TO_LOOPBACK": environment.WEBHOOKS_TO_LOOPBACK,
    "ASKERS_MAY_ANSWER": environment.ASKERS_MAY_ANSWER,
    "MCP": environment.MCP,
    "SITE_CHOICES": environment.site_choices(),
    "RUN_LEASE_SECONDS": environment.RUN_LEASE_SECONDS,
    "RUN_TURN_SECONDS": environment.RUN_TURN_SECONDS,
    "RUN_SILENT_SECONDS": environment.RUN_SILENT_SECONDS,
    "STOP_SECONDS": environment.stop_seconds(),
    "STORAGE_PATIENCE_SECONDS": environment.STORAGE_PATIENCE_SECONDS,
    "RUN_LIMITS": environment.run_limits(),
    "MOST_STARTS_A_MINUTE": environment.MOST_STARTS_A_MINUTE,
    "MOST_OPEN_RUNS": environment.MOST_OPEN_RUNS,
    "MOST_UNREAD_MESSAGES": environment.MOST_UNREAD_MESSAGES,
    "SIZES": environment.sizes(),
    "LARGE_VALUE_BYTES": environment.LARGE_VALUE_BYTES,
    "MAX_UPLOAD_MB": environment.MAX_UPLOAD_MB,
    "UPLOADS_KEPT": timedelta(hours=environment.UPLOADS_KEPT_HOURS),
    "RETENTION_DAYS": environment.RETENTION_DAYS,
    "SENDS_MAIL": environment.is_embedded or environment.EMAIL_URL is not None,
    "PUSH_KEY": environment.push_key(),
    "PUSH_CONTACT": environment.PUSH_CONTACT,
    "PUSH_TO_LOOPBACK": environment.PUSH_TO_LOOPBACK,
    "NOTIFY_AFTER": timedelta(seconds=environment.NOTIFY_AFTER_SECONDS),
    "NOTIFY_EVERY_SECONDS": min(5, max(1, environment.NOTIFY_AFTER_SECONDS)),
    "VERIFY_AT": environment.VERIFY_AT,
    "COMPANY_SIGN_IN": environment.COMPANY_SIGN_IN,
    "OIDC_PROVIDERS": environment.OIDC_PROVIDERS or {},
    "NEW_PEOPLE_GROUP": environment.NEW_PEOPLE_GROUP,
    "STAFF_NEED_SECOND_FACTOR": environment.STAFF_NEED_SECOND_FACTOR,
    "TRUSTED_PROXIES": split_words(environment.TRUSTED_PROXIES),
    "ATTEMPTS_PER_ADDRESS": environment.ATTEMPTS_PER_ADDRESS,
    "ATTEMPTS_PER_NAME": environment.ATTEMPTS_PER_NAME,
}

EMAIL_KIND = "smtp" if environment.EMAIL_URL else "filebased"
EMAIL_BACKEND = f"django.core.mail.backends.{EMAIL_KIND}.EmailBackend"
EMAIL_FILE_PATH = LOCAL_DIR / "mail"
mail_server = MailServer(environment.EMAIL_URL or "smtp://localhost")
EMAIL_HOST, EMAIL_PORT = mail_server.host, mail_server.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = mail_server.user, mail_server.password
EMAIL_USE_TLS, EMAIL_USE_SSL = mail_server.starts_tls, mail_server.is_tls
EMAIL_TIMEOUT = 10  # seconds; less than a worker holds a notification
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.MAIL_FROM

STATIC_URL = "static/"
STATIC_ROOT = LOCAL_DIR / "static"
STATICFILES_FINDERS = ["dashboard.http.bundles.BundlingFinder"]
IS_COLLECTED = (STATIC_ROOT / "staticfiles.json").exists()
SERVESTATIC_USE_FINDERS = environment.is_embedded or not IS_COLLECTED
STORAGES = {
    "default": environment.file_storage(),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if environment.is_embedded
        else "dashboard.http.static_files.ManifestStorage"
    },
}
FILE_UPLOAD_PERMISSIONS = 0o600

LOGIN_URL = "countersign:sign_in"
LOGIN_REDIRECT_URL = "countersign:home"
LOGOUT_REDIRECT_URL = "countersign:sign_in"
PASSWORD_RESET_TIMEOUT = 24 * 3600  # seconds a sign-in link is good
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "dashboard.accounts.leaving.EndOtherSignIns"}]
if not environment.is_embedded:
    CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    # The other names of the domain are not ours to bind: no includeSubDomains, no preload.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    CSRF_TRUSTED_ORIGINS = [SITE_URL]

LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = ["dashboard.formats"]
TIME_ZONE = environment.TIME_ZONE
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "dashboard.log_lines.LineFormatter"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "stream": "ext://sys.stdout",
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "mcp": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},  # the access log has told of 404s
    },
}
