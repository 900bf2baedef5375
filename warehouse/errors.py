"""Errors that a person is meant to read.

Belongs here: the base class whose message is one line with the cause and what to
do, and the few kinds that callers tell apart. Does not belong here: errors of
programming, which stay ordinary exceptions with a traceback.
"""


class RegularsError(Exception):
    """A failure that is explained by its message alone: what, where, what to do."""


class SettingsError(RegularsError):
    """A settings file or variable has an unknown key or a bad value."""


class EngineError(RegularsError):
    """The engine that the settings name can't be used on this machine."""


class HomeError(RegularsError):
    """The home folder belongs to other data, or can't be used."""


class WarehouseBusyError(RegularsError):
    """Another process holds the warehouse file; trying later can help."""


class RecordsError(RegularsError):
    """Dagster's records of runs can't be read or kept; what readers see is unharmed."""


class StoppedError(RegularsError):
    """The process was asked to stop, by Ctrl-C or by the machine."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number


class PublishError(RegularsError):
    """A snapshot could not be built, swapped in or put back."""


class PullError(RegularsError):
    """Sales could not be pulled from a live database; what has landed before is unharmed."""


class WebhookError(RegularsError):
    """An address can't be posted to, refused a message, or did not take it."""
