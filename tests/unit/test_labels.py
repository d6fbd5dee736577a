"""The product's names among the apps, tables and indexes of anybody's project."""

import pytest
from django.apps import apps
from django.db import models

from procedures.databases import OURS

PACKAGES = {"chat", "dashboard", "procedures"}
MODELS = [
    model
    for config in apps.get_app_configs()
    if config.name in PACKAGES
    for model in config.get_models(include_auto_created=True)
]


def test_each_app_says_in_its_label_whose_it_is() -> None:
    labels = {config.label for config in apps.get_app_configs() if config.name in PACKAGES}

    assert labels == OURS == {f"countersign_{package}" for package in PACKAGES}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_table_index_and_constraint_says_whose_it_is(model: type[models.Model]) -> None:
    table = model._meta  # noqa: SLF001 (Django documents it)
    names = [table.db_table, *(one.name for one in (*table.indexes, *table.constraints))]

    assert [name for name in names if not name.startswith("countersign_")] == []
