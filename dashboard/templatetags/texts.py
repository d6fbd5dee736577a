"""The sentences that scripts show; each page contains them in the language of its viewer."""

from django import template
from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as lazy

register = template.Library()
TEXTS = {
    "ago": lazy("{length} ago"),
    "answer-perhaps-lost": lazy(
        "Your answer may not have arrived. Your text is still here. Try again: the same answer"
        " counts only once."
    ),
    "command-offline": lazy(
        "Commands need a connection. Your text is still here. Try again when you are online."
    ),
    "copied": lazy("Copied"),
    "copy": lazy("Copy"),
    "copy-by-hand": lazy("Selected. Copy it with Ctrl+C or ⌘C."),
    "draft": lazy("Your draft (not sent)"),
    "draft-elsewhere": lazy(
        "Your draft was changed in another window. What you type here replaces it."
    ),
    "due": lazy("due in {length}"),
    "file-not-sent": lazy("{name} couldn't be sent. Choose it again."),
    "file-too-large": lazy("{name} is too large; the limit is {limit} MB."),
    "found": lazy("Found: {count}"),
    "found-nothing": lazy("No matches"),
    "here-1": lazy("{one} is here"),
    "here-2": lazy("{one} and {two} are here"),
    "here-3": lazy("{one}, {two} and {three} are here"),
    "here-more": lazy("{one}, {two} and {count} others are here"),
    "in": lazy("in {length}"),
    "just-now": lazy("just now"),
    "key-control": lazy("Ctrl"),
    "key-escape": lazy("Esc"),
    "key-near": lazy("{name}, for the row or button that is highlighted"),
    "key-shift": lazy("Shift"),
    "link-copied": lazy("Link copied"),
    "message-not-sent": lazy("Your message couldn't be sent. Your text is still here. Try again."),
    "message-refused": lazy("This message couldn't be sent. {reason}"),
    "new-above": lazy("{count} new above"),
    "new-requests": lazy("{count} new"),
    "page-too-old": lazy(
        "The page was out of date, so nothing was sent. Your text is still here. Press the button"
        " again."
    ),
    "overdue": lazy("overdue by {length}"),
    "read-by-1": lazy("Read by {one}"),
    "read-by-2": lazy("Read by {one} and {two}"),
    "read-by-3": lazy("Read by {one}, {two} and {three}"),
    "read-by-more": lazy("Read by {one}, {two} and {count} others"),
    "read-count": lazy("Read by: {count}"),
    "reconnected": lazy("Reconnected · new messages from others: {count}"),
    "start-perhaps-lost": lazy(
        "The run may not have started. Everything you entered is still here. Press the button"
        " again: it starts only once."
    ),
    "typing-1": lazy("{one} is typing…"),
    "typing-2": lazy("{one} and {two} are typing…"),
    "typing-more": lazy("Several people are typing…"),
    "unfold": lazy("Show or hide the request"),
    "waiting": lazy("Waiting for you: {count} · Show"),
    "waiting-more": lazy("Waiting for you: {count} more · Show"),
    "write": lazy("Write a message"),
    "writing": lazy("is writing"),
    "writing-again": lazy("began again (attempt {attempt}), so the text was replaced"),
    "writing-failed": lazy("failed; if it is tried again, a new text takes the place of this one"),
    "writing-long": lazy("is writing; the rest of this long text appears when the step ends"),
}
"""The sentences, each under the name by which scripts ask for it; none has a plural form."""


@register.simple_tag
def script_texts() -> SafeString:
    """Render the sentences as JSON for texts.js.

    The content security policy allows JSON in a page, and no inline scripts.
    """
    return json_script({name: str(words) for name, words in TEXTS.items()}, "texts")
