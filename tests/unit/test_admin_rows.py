"""The cells of the admin's lists have the names of their columns, which phones show."""

from dashboard.templatetags.admin_rows import column_names, named_cells

HEADERS = [{"text": "<input>"}, {"text": "title"}, {"text": "ended & <kept>"}, {"text": "page"}]
ROW = [
    '<td class="action-checkbox"><input></td>',
    '<th class="field-title"><a href="/x/">Refund</a></th>',
    '<td class="field-ended_at nowrap">-</td>',
    "<td>Open - now</td>",
]


def test_each_cell_has_the_name_of_its_column_except_the_checkbox() -> None:
    assert named_cells(ROW, column_names(HEADERS)) == (
        '<td class="action-checkbox"><input></td>'
        '<th data-label="Title" class="field-title"><a href="/x/">Refund</a></th>'
        '<td data-label="Ended &amp; &lt;kept&gt;" data-empty class="field-ended_at nowrap">-</td>'
        '<td data-label="Page">Open - now</td>'
    )
