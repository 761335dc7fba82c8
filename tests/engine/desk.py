"""What submitting and the pipeline work with, over a real ledger and a real connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from running import KEY

from compressor_cli.api.client import ApiClient
from compressor_cli.api.http import Timeouts
from compressor_cli.api.outputs import OutputClient
from compressor_cli.engine.crew import Crew, Tick
from compressor_cli.engine.deadline import Deadline
from compressor_cli.engine.delivery import Delivery
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.notebook import Journal, Notebook
from compressor_cli.engine.pipeline import Pipeline
from compressor_cli.engine.plan import Plan
from compressor_cli.engine.source import file_source
from compressor_cli.engine.submitting import Desk
from compressor_cli.engine.target import Destination
from compressor_cli.engine.updates import Item, Remark, Update
from compressor_cli.memory.entry import Entry
from compressor_cli.memory.ledger import Ledger

from .clock import Hasty

TIMEOUTS = Timeouts(connect=5.0, write=5.0, read=5.0, submit_answer=5.0)


def item_of(path: Path, **known: Any) -> Item:
    """The road of a file."""
    source = file_source(str(path))
    return Item(source.label, source=source, name=source.name, path=source.path, **known)


@dataclass
class Office:
    """One desk, on a clock that the crew's sleep moves on."""

    desk: Desk
    crew: Hasty[Any]
    ledger: Ledger
    api: ApiClient

    @property
    def row(self) -> Entry:
        """The ledger's only row."""
        (only,) = self.ledger.entries()
        return only

    def posted(self, kind: type) -> list[Any]:
        """The updates of a kind so far."""
        self.crew.post("end")
        found = []
        for event in self.crew.events():
            if event == "end":
                return found
            if isinstance(event, kind):
                found.append(event)
        return found


@contextmanager
def office(
    api_url: str, state: Path, *, journal: Journal | None = None, deadline: float | None = None
) -> Iterator[Office]:
    api = ApiClient(api_url=api_url, key=KEY, timeouts=TIMEOUTS)
    ledger = Ledger(state)
    crew: Hasty[Any] = Hasty()
    crew.deadline = Deadline(deadline, clock=crew.clock)
    gate = Gate(clock=crew.clock, chance=lambda: 0.0)
    try:
        yield Office(Desk(crew, api, journal or ledger, gate), crew, ledger, api)
    finally:
        ledger.close()
        api.close()


@dataclass
class Run:
    """A run of the pipeline that has ended: what was told, and the ledger."""

    updates: list[Update]
    ledger: Ledger

    def of(self, kind: type) -> list[Any]:
        return [update for update in self.updates if isinstance(update, kind)]


@contextmanager
def travelled(
    items: list[Item],
    *,
    api_url: str,
    state: Path,
    place: Destination | None = None,
    timeout: float | None = 20.0,
    journal: Callable[[Ledger], Journal] = lambda ledger: ledger,
    **plan: Any,
) -> Iterator[Run]:
    """Send the items down their road, on the real clock."""
    api = ApiClient(api_url=api_url, key=KEY, timeouts=TIMEOUTS)
    outputs = OutputClient(api, timeouts=TIMEOUTS)
    ledger = Ledger(state)
    crew: Crew[Update] = Crew(Deadline(timeout))
    run = Run([], ledger)
    try:
        with crew:
            notes = Notebook(
                journal(ledger), api_url=api_url, remark=lambda text: crew.post(Remark(text))
            )
            gate = Gate()
            deliver = None
            if place is not None:
                deliver = Delivery(
                    place, crew=crew, api=api, outputs=outputs, notes=notes, gate=gate
                )
            pipeline = Pipeline(
                crew,
                api=api,
                journal=journal(ledger),
                notes=notes,
                gate=gate,
                plan=Plan(deliver=deliver, **plan),
            )
            for update in pipeline.run(items):
                if not isinstance(update, Tick):
                    run.updates.append(update)
        yield run
    finally:
        ledger.close()
        outputs.close()
        api.close()
