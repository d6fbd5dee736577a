"""The product's settings, with its addresses below a prefix."""

from dashboard.settings import *  # noqa: F403

ROOT_URLCONF = "tests.ops.urls"
