"""The whole product on one machine, under one supervisor: what `manage.py dev` starts."""
