"""How the layers above take part in a run's life, inside the transaction that changes it.

Sent with `send`: a receiver that raises undoes the whole change. Arguments, all by name:

    run_started(run)
    wait_opened(run, wait, content, at)    content: what was asked, plain JSON
    wait_closed(run, wait, content)        content: outcome, value, responder, comment, timed_out
    notice(run, text, level, at)           level: of an alert, else ""
    run_ended(run)

Sent with `send_robust` after the commit, for hints: it may be lost and must be quick.

    changed(run_id)
"""

from django.dispatch import Signal

run_started = Signal()
wait_opened = Signal()
wait_closed = Signal()
notice = Signal()
run_ended = Signal()
changed = Signal(use_caching=True)
