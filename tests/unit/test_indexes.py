"""Indexes: each costs every write, so none does what another one does."""

import pytest
from django.apps import apps
from django.db import models

MODELS = [
    model
    for app in ("countersign_procedures", "countersign_chat")
    for model in apps.get_app_config(app).get_models()
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_index_is_the_beginning_of_another(model: type[models.Model]) -> None:
    table = model._meta  # noqa: SLF001 (Django documents it)
    whole = [index for index in table.indexes if index.condition is None]
    first = {index.fields[0] for index in [*whole, *table.total_unique_constraints]}

    twice = [field.name for field in table.concrete_fields if vars(field)["db_index"]]

    assert not first.intersection(twice)
