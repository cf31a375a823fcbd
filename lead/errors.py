"""Errors of lead that a user can mend; each message is one sentence."""

from __future__ import annotations


class LeadError(ValueError):
    """Bad input or a run that cannot go on."""


class WeightsError(LeadError):
    """Weights or a checkpoint that cannot be read or do not fit."""


class ProtocolError(LeadError):
    """The label sets do not fit together or do not fit the setting."""


class TooFewImagesError(LeadError):
    """Fewer images than a batch."""


class DivergedError(LeadError):
    """The network gives values that are not finite."""
