"""Every page of a full site: the runs and requests that pages show, and where each page is."""

MODULES = (
    "examples.refund",
    "examples.release",
    "examples.supplies",
    "dashboard.demo.desk",
    "tests.asking",
    *(
        f"tests.procedures.{noun}"
        for noun in (
            *("decided", "families", "faults", "forked", "forms", "inboxes", "inputs", "named"),
            *("parallel", "pictured", "questions", "retried", "showing", "shown", "together"),
            "writing",
        )
    ),
)
