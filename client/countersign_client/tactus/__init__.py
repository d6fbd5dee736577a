"""Storage, human questions, chat and logs of Tactus procedures, on a Countersign site.

Nothing of Tactus is imported. Its own classes can be used instead of those in `models`.
"""

from countersign_client.tactus.humans import HITLHandler
from countersign_client.tactus.models import (
    ChatMessage,
    CheckpointEntry,
    HITLResponse,
    ProcedureMetadata,
)
from countersign_client.tactus.plain import UnstorableError
from countersign_client.tactus.recording import ChatRecorder, LogHandler
from countersign_client.tactus.storage import TactusStorage

__all__ = [
    "ChatMessage",
    "ChatRecorder",
    "CheckpointEntry",
    "HITLHandler",
    "HITLResponse",
    "LogHandler",
    "ProcedureMetadata",
    "TactusStorage",
    "UnstorableError",
]
