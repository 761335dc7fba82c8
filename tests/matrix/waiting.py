"""Jobs that were submitted, and are still to be waited for."""

from __future__ import annotations

from running import Box

from .scene import Scene


def submitted(scene: Scene, box: Box, *states: str, count: int = 1) -> list[str]:
    """The ids of new jobs, each of which next answers these words and then its end.

    The command has another ledger afterwards: to that no job is fresh, so it looks at once.
    """
    names = [f"{number}.png" for number in range(count)]
    for number, name in enumerate(names):
        scene.source(name, width=24, height=18, seed=number)
    box.script({"on": "upload", "states": list(states) or ["processing"], "times": count})
    ids = scene.run("submit", "-q", *names, code=0).ids
    box.forget()
    scene.compressor.env["COMPRESSOR_STATE_DIR"] = str(scene.compressor.home / "another")
    return ids
