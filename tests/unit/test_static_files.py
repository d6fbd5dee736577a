"""Static files that `collectstatic` hasn't collected."""

from pathlib import Path

import pytest

from dashboard.http.static_files import ManifestStorage


def test_only_a_file_that_there_is_is_missed_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = ManifestStorage(location=tmp_path, base_url="/static/")

    assert storage.stored_name("admin/js/vendor/select2/select2.js").endswith("select2.js")
    assert caplog.messages == []
    for name in ("dashboard/app.css", "dashboard/live.js"):
        assert storage.stored_name(name) == name
    assert caplog.messages == ["dashboard/app.css isn't collected: run manage.py collectstatic."]
