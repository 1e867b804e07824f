"""The errors that cross a module's boundary.

IngestError
├── SettingsError      what was configured can't work; told before anything starts
├── Retryable          waiting may mend it: a lost connection, a restart, a deadlock
├── NeedsPerson        only a person can mend it: a password, a missing table, a full disk
├── Overloaded         refused now so that memory stays bounded; the client retries
├── OutcomeUnknown     an append was sent and no answer came; it may or may not be stored
├── StreamRefused      Valkey can't take an append now, and surely stored nothing; `code` says why
├── ShardMissing       no consumer has created the shard yet
└── LeaseLost          another consumer owns the shard now; nothing was written

Only an outermost loop (the appender's, the consumer's, a command's) logs these and retries.
"""


class IngestError(Exception):
    """The base of all; its text is fit to show an operator and holds no secret."""


class SettingsError(IngestError):
    """The settings can't work; the text lists every fault, one a line."""


class Retryable(IngestError):
    """A passing fault of a server: try again with back-off, never skip."""


class NeedsPerson(IngestError):
    """A fault that stays until a person mends it: told loudly, tried again slowly."""


class Overloaded(IngestError):
    """More is queued than the bound allows; `retry_after_s` says when to come back."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(IngestError):
    """Sent, and the answer never came: the events may be stored; the same ids make a retry safe."""


class StreamRefused(IngestError):
    """An append that surely is not stored; `code` is the problem code that the client is told."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ShardMissing(IngestError):
    """The stream of this shard does not exist: a consumer creates it, workers never do."""


class LeaseLost(IngestError):
    """The position moved or the lease went to another consumer; the transaction was rolled back."""
