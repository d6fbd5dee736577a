"""The Django project and the web product."""

from dashboard.celery import app as celery_app

__all__ = ["celery_app"]
