"""The whole product on one machine under one supervisor, as `manage.py dev` starts it."""
