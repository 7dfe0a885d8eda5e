"""What can go wrong with tools.

    ToolError
    ├── RegistrationError      the definition is refused; says where and why
    │   └── NameTaken          another tool has the name (or one that collides with it)
    ├── UnknownTool            asked for by an operator or an app, not by a model
    └── ExecutionError         raised by executors, turned into a `ToolResult` by the registry
        ├── ToolFailed         the tool ran and said no; the message is for the model
        ├── ToolUnavailable    could not be reached or answered nonsense; may be retried by effect
        │   └── ToolPaused     not asked: it failed, or was asked, too often just now; not retried
        └── ToolTimeout        no answer in time

A model's bad call is no exception: it is an `InvalidCall`.
"""

from __future__ import annotations


class ToolError(Exception):
    """Base of everything raised by the tools package."""


class RegistrationError(ToolError):
    """A tool's definition is refused.

    `where` is a JSON path into the registration (`$.parameters.properties.city.pattern`), `why` says
    what is wrong there and what to do instead.
    """

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why


class NameTaken(RegistrationError):
    """The name, or one that models could confuse with it after normalising, is in use."""


class UnknownTool(ToolError):
    """No tool of this name is registered."""


class ExecutionError(ToolError):
    """Base of what an executor may raise.

    `attempts` is set by the wrapper that retries: how often the tool was tried in all.
    """

    attempts: int = 1


class ToolFailed(ExecutionError):
    """The tool ran and refused. The message is written for the model to read and adapt."""


class ToolUnavailable(ExecutionError):
    """The tool could not be reached. `sent` is False only when nothing can have reached it."""

    def __init__(
        self, message: str, *, sent: bool = True, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.sent = sent
        self.retry_after_s = retry_after_s


class ToolPaused(ToolUnavailable):
    """The tool was not asked: what it goes to failed, or was asked, too often, and is left alone for a while."""

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=False)


class ToolTimeout(ExecutionError):
    """No answer within the tool's timeout or the run's deadline.

    `sent` is False only when the time was over before the tool was asked.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent
