"""The whole product on one machine under one supervisor, started by `manage.py dev`."""
