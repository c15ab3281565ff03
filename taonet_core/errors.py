"""What can go wrong, as types a caller can tell apart.

Every message says what was wanted, what came, and what to do.
"""


class TaoNetError(Exception):
    """Parent of every error that TAO-Net raises on purpose."""


class InvalidSequenceError(TaoNetError):
    """The data were read but do not form a usable image sequence or light curve."""


class UnreadableFileError(TaoNetError):
    """The bytes are not, or not safely, what they claim to be."""


class IncompatibleWeightsError(TaoNetError):
    """A weights file is missing, damaged, or belongs to another model."""


class TrainingError(TaoNetError):
    """Training cannot start or go on with this data, settings or checkpoint."""


class ServiceError(TaoNetError):
    """A public service did not answer, or with something else than wanted."""
