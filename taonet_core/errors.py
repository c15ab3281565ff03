"""What can go wrong, as types a caller can tell apart and codes a program can count on.

Every message says what was wanted, what came, and what to do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """What went wrong, in one word that never changes; ``docs/errors.md`` explains each."""

    INVALID = "E_INVALID"
    UNREADABLE = "E_UNREADABLE"
    SEQUENCE = "E_SEQUENCE"
    WEIGHTS = "E_WEIGHTS"
    TRAINING = "E_TRAINING"
    SERVICE = "E_SERVICE"
    TIMEOUT = "E_TIMEOUT"
    MEMORY = "E_MEMORY"
    WORKER = "E_WORKER"
    DISK_FULL = "E_DISK_FULL"
    WRITE = "E_WRITE"
    LOCKED = "E_LOCKED"
    CHECKPOINT = "E_CHECKPOINT"
    WEIGHTS_MISSING = "E_WEIGHTS_MISSING"
    WEIGHTS_DAMAGED = "E_WEIGHTS_DAMAGED"
    WEIGHTS_FORMAT = "E_WEIGHTS_FORMAT"
    WEIGHTS_SIDECAR = "E_WEIGHTS_SIDECAR"
    WEIGHTS_OTHER = "E_WEIGHTS_OTHER"
    WEIGHTS_VALUES = "E_WEIGHTS_VALUES"
    WEIGHTS_SIZE = "E_WEIGHTS_SIZE"
    REQUEST = "E_REQUEST"
    NOT_FOUND = "E_NOT_FOUND"
    QUOTA = "E_QUOTA"
    SLOW = "E_SLOW"
    INTERNAL = "E_INTERNAL"
    SIZE = "E_SIZE"
    SKIPPED = "E_SKIPPED"
    BOMB = "E_BOMB"
    COMPRESSION = "E_COMPRESSION"
    ARCHIVE = "E_ARCHIVE"
    MEMBERS = "E_MEMBERS"
    ENCRYPTED = "E_ENCRYPTED"
    AVRO = "E_AVRO"
    AVRO_SCHEMA = "E_AVRO_SCHEMA"
    DATABASE = "E_DATABASE"
    CHANGED = "E_CHANGED"
    VANISHED = "E_VANISHED"
    OTHER_RUN = "E_OTHER_RUN"
    EMPTY = "E_EMPTY"
    NO_IMAGE = "E_NO_IMAGE"
    NOT_FITS = "E_NOT_FITS"
    HEADER = "E_HEADER"
    HEADER_TRUNCATED = "E_HEADER_TRUNCATED"
    DATA_TRUNCATED = "E_DATA_TRUNCATED"
    CARDS = "E_CARDS"
    HDUS = "E_HDUS"
    SHAPE = "E_SHAPE"
    AXIS = "E_AXIS"
    SCALING = "E_SCALING"
    TILES = "E_TILES"
    COLUMNS = "E_COLUMNS"
    NO_FRAMES = "E_NO_FRAMES"
    TARGET_OUTSIDE = "E_TARGET_OUTSIDE"


class TaoNetError(Exception):
    """Parent of every error that TAO-Net raises on purpose.

    Parameters
    ----------
    message : str
        One sentence.
    code : Code, optional
        Default: the one of the class.
    """

    default: ClassVar[Code] = Code.INVALID

    def __init__(self, message: str, *, code: Code | None = None) -> None:
        super().__init__(message)
        self.code = code or self.default


class InvalidSequenceError(TaoNetError):
    """The data were read but do not form a usable image sequence or light curve."""

    default = Code.SEQUENCE


class UnreadableFileError(TaoNetError):
    """The bytes are not, or not safely, what they claim to be."""

    default = Code.UNREADABLE


class IncompatibleWeightsError(TaoNetError):
    """A weights file is missing, damaged, or belongs to another model."""

    default = Code.WEIGHTS


class TrainingError(TaoNetError):
    """Training cannot start or go on with this data, settings or checkpoint."""

    default = Code.TRAINING


class ServiceError(TaoNetError):
    """A public service did not answer, or with something else than wanted."""

    default = Code.SERVICE
