"""The files in the form of a message: those uploaded earlier, and those that the form brings."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from chat import services
from chat.parts import SessionPart
from procedures.access import SignedIn
from procedures.engine.values.files import File
from procedures.inputs import TooLargeError


@dataclass(frozen=True)
class AttachedFiles:
    """The files that belong to a message's form, each with the token that stands for it."""

    files: Sequence[tuple[str, File]] = ()
    fault: str = ""
    """A sentence about a file that couldn't be stored; "" if all files are stored."""

    @property
    def tokens(self) -> list[str]:
        return [token for token, _file in self.files]


def attached_files(request: SignedIn, part: SessionPart) -> AttachedFiles:
    """Return the files of a message's form.

    The form has tokens of files that were uploaded earlier. Store the files that it brings itself.
    """
    session, by = part.session, request.user
    sent = request.POST.getlist("files")
    known = [(token, services.sent_message_file(session, token, by=by)) for token in sent]
    files = [(token, file) for token, file in known if file]
    lost = [token for token, file in known if not file]
    fault = (
        _lost(services.sent_message_file(session, lost[0], by=by, at_any_age=True)) if lost else ""
    )
    for upload in request.FILES.getlist("upload"):
        try:
            token = services.receive_message_file(session, upload, by=by)
        except TooLargeError as error:
            fault = str(error)
        else:
            file = services.sent_message_file(session, token, by=by)
            files += [(token, file)] if file else []
    return AttachedFiles(files, fault)


def _lost(file: File | None) -> str:
    """Return a sentence about a file that isn't stored any more; None if nothing is known of it."""
    if file is None:
        return _("One of the files isn't stored any more. Choose it again.")
    return _("The file “{name}” isn't stored any more. Choose it again.").format(name=file.name)
