"""The shop's settings with a second database; SHOP_ROUTERS names its routers."""

import os

from tests.host.settings import *  # noqa: F403
from tests.host.settings import DATABASES, FOLDER

second = {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "stock.sqlite3"}
DATABASES = {**DATABASES, "stock": second}
DATABASE_ROUTERS = os.environ.get("SHOP_ROUTERS", "").split()
