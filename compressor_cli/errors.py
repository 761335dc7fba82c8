"""What can go wrong, and the exit code that tells a script what to do about it.

CompressorError          1   unexpected, or a batch that failed in several ways
├── UsageProblem         2   the command line or the configuration is wrong
├── InputProblem         3   a source cannot be used
├── KeyProblem           4   the key is missing or refused
├── TemporaryTrouble     5   run it again later; nothing was accepted
│   └── Throttled        5   the service asks for a pause
├── Refused              6   refused or failed for good
│   ├── JobFailed        6   the service could not do the work
│   ├── NotKnown         6   the service does not know the job, or no longer has it
│   └── BadAnswer        6   an answer that cannot be understood
├── MaybeAccepted        7   the upload may have been accepted: not sent again
├── BadResult            8   the result is not what was promised, and was discarded
│   └── WrongInput       8   the service worked on other bytes than were sent
├── OutputProblem        9   the result cannot be written here
├── NotFinished         10   the job is still running
├── CheckFound          11   `check` found something
├── Interrupted    128 + n   ended by signal n
└── ReaderGone         141   the reader of stdout went away
"""

from __future__ import annotations


class CompressorError(Exception):
    """Something went wrong that the user can be told about.

    `message` says what happened and why, `hint` what to do or type next (may be empty). Both may
    hold foreign text: whoever shows them makes it safe. `job_id` is the job concerned, if any.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", job_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.job_id = job_id

    @property
    def kind(self) -> str:
        """The name of this class, as it stands in `--json`."""
        return type(self).__name__


class UsageProblem(CompressorError):
    """The command line, an environment variable or the configuration file is wrong."""

    exit_code = 2


class InputProblem(CompressorError):
    """A source is missing, unreadable, empty, not a regular file, or changed while it was read."""

    exit_code = 3


class KeyProblem(CompressorError):
    """No usable API key, or the service (or a proxy) refused ours."""

    exit_code = 4


class TemporaryTrouble(CompressorError):
    """The network or the service is in trouble now; nothing was accepted; safe to run again."""

    exit_code = 5


class Throttled(TemporaryTrouble):
    """429 or 503: the service asks everyone to pause. `retry_after`: seconds, None if unsaid."""

    def __init__(self, message: str, *, retry_after: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Refused(CompressorError):
    """The service said no, or the connection is unsafe; running it again will not help."""

    exit_code = 6


class JobFailed(Refused):
    """The job ended in the state failed; the service's reason is in the message."""


class NotKnown(Refused):
    """404 or 410: no such job any more."""


class BadAnswer(Refused):
    """The service's answer cannot be understood or must not be believed."""


class MaybeAccepted(CompressorError):
    """The whole request left and no usable answer came: sending it again might be paid twice."""

    exit_code = 7


class BadResult(CompressorError):
    """The downloaded bytes are not what the service promised; they were discarded."""

    exit_code = 8


class WrongInput(BadResult):
    """The service worked on other bytes than were sent: no download can mend that."""


class OutputProblem(CompressorError):
    """The result cannot be written: it exists already, no space, no permission, stdout is full."""

    exit_code = 9


class NotFinished(CompressorError):
    """The deadline came, or an output was asked of a job that is still running."""

    exit_code = 10


class CheckFound(CompressorError):
    """A file that `check` looked at is not compressed, has changed since, or breaks a budget."""

    exit_code = 11


class Interrupted(CompressorError):
    """A signal ended the command after cleaning up. `signal_number` is that signal."""

    def __init__(self, signal_number: int, *, hint: str = "") -> None:
        super().__init__("interrupted", hint=hint)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


class ReaderGone(CompressorError):
    """The program that read our stdout ended first."""

    exit_code = 141


def worst(codes: list[int]) -> int:
    """One exit code for many sources: 0 if all went well, their common code, else 1."""
    failures = {code for code in codes if code}
    return failures.pop() if len(failures) == 1 else min(1, len(failures))
