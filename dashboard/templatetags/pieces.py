"""Tags that render parts of a sentence before the whole sentence is translated."""

from datetime import datetime

from django import template
from django.template import Context
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def moment(context: Context, at: datetime, show: str = "clock") -> SafeString:
    """Render a time: `{% moment run.created_at "full" as when %}`."""
    assert context.template
    drawn = context.template.engine.get_template("dashboard/_time.html")
    return drawn.render(context.new({"at": at, "show": show}))


@register.simple_block_tag
def piece(content: str) -> str:
    """Store what the block renders in a variable: `{% piece as values %}…{% endpiece %}`."""
    return content
