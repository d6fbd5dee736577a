"""The product's settings, with its files in a bucket: BUCKET names what stands for the service."""

import os

from dashboard.settings import *  # noqa: F403
from dashboard.settings import STORAGES

STORAGES["default"] = {
    "BACKEND": "tests.bucket.BucketStorage",
    "OPTIONS": {"folder": os.environ["BUCKET"]},
}
