"""Text of a page is shown as what it is; what a form sends stays what it was given."""

import pytest
from django.template import engines

from dashboard.http.templating import in_page

TURNED = "pay \u202eeno\u2066 \u200b\ufeff\u00ad\u2800\x07me"
WRITTEN = "pay \\u202eeno\\u2066 \\u200b\\ufeff\\u00ad\\u2800\\u0007me"


def test_what_hides_or_turns_text_is_written_out() -> None:
    template = engines["django"].from_string('<p title="{{ text }}">{{ text }}</p>')

    assert template.render({"text": TURNED}) == f'<p title="{WRITTEN}">{WRITTEN}</p>'


@pytest.mark.parametrize(
    "html",
    [
        f'<input value="{TURNED}">',
        f'<textarea name="text">\n{TURNED}</textarea>',
        "<p>größe 数量 👩\u200d💻</p>\r\n\t<pre>a\n\tb</pre>",
    ],
)
def test_what_is_sent_again_and_what_is_seen_stay(html: str) -> None:
    assert in_page(html) == html
