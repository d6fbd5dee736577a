"""Kinds of requests, such as approvals and reviews; each kind has a module of its own.

A site adds its own kinds with the setting REQUEST_KINDS.
"""

from procedures.engine.kinds.action import Action
from procedures.engine.kinds.approval import Approval
from procedures.engine.kinds.choice import Choice
from procedures.engine.kinds.controls import (
    Buttons,
    Changes,
    Control,
    Editor,
    Fields,
    Options,
    Table,
    Uploads,
)
from procedures.engine.kinds.escalation import Escalation
from procedures.engine.kinds.form import Form
from procedures.engine.kinds.input import Input
from procedures.engine.kinds.kind import Kind, Outcome, Terms, register_kind
from procedures.engine.kinds.review import Review
from procedures.engine.kinds.upload import Upload
from procedures.engine.kinds.words import NoReplyError, TypedAnswer

__all__ = [
    "SHIPPED",
    "Action",
    "Approval",
    "Buttons",
    "Changes",
    "Choice",
    "Control",
    "Editor",
    "Escalation",
    "Fields",
    "Form",
    "Input",
    "Kind",
    "NoReplyError",
    "Options",
    "Outcome",
    "Review",
    "Table",
    "Terms",
    "TypedAnswer",
    "Upload",
    "Uploads",
    "register_kind",
]

SHIPPED = (Approval, Input, Choice, Review, Form, Escalation, Upload, Action)
for shipped in SHIPPED:
    register_kind(shipped)
