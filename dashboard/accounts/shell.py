"""The author of what somebody does by a command, for the site's log."""

import os
import pwd


def shell_author(command: str) -> str:
    """Return the name of a command and of the system's user who runs it.

    The command can't know which person of the site that is: a token or a link that it makes must
    not seem to be made by the person to whom it belongs.
    """
    return f"manage.py {command} ({_system_user()})"


def _system_user() -> str:
    number = os.getuid()
    try:
        # Not from the environment, which may say anything.
        return f"{pwd.getpwuid(number).pw_name} on the server"
    except KeyError:  # as in containers
        return f"user {number} on the server"
