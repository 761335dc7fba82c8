"""Asking the service whether it accepts a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compressor_cli.errors import KeyProblem, TemporaryTrouble
from compressor_cli.memory.settings import Settings

if TYPE_CHECKING:
    from compressor_cli.api.client import Account

_ANSWER_WITHIN = 30.0
"""Seconds that the service has to say it."""


def ask(settings: Settings, key: str) -> Account:
    """What the service says of the account. Raises KeyProblem when it refuses the key.

    With a deadline: a service that says something, but never an answer, runs into no time-out.
    """
    from compressor_cli.api.client import ApiClient
    from compressor_cli.engine.crew import Crew, DeadlinePassed, Tick
    from compressor_cli.engine.deadline import Deadline

    client = ApiClient(api_url=settings.api_url.value, key=key, auth=settings.auth.value)
    crew: Crew[Account] = Crew(Deadline(_ANSWER_WITHIN))
    try:
        with crew:
            crew.work(lambda: crew.post(client.account()), name="account")
            return next(event for event in crew.events() if not isinstance(event, Tick))
    except DeadlinePassed:
        raise TemporaryTrouble(
            f"the service did not answer within {_ANSWER_WITHIN:g} s", hint="try again later"
        ) from None
    except KeyProblem as error:
        error.hint = "check the key in the dashboard of the service, then: compressor auth login"
        raise
    finally:
        client.close()
