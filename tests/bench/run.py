"""Measures the command beside what people would use instead, and writes a table of ratios.

python tests/bench/run.py [--quick] [--output FILE] [SECTION...]

Sections: startup upload download polling live batch; without one, all. It needs Linux, some 6 GB in
TMPDIR and, once, the package registry, to install this project and httpie, twine and hf, each as a
user would; that it keeps in compressor-bench of the cache folder. Let the machine be quiet.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import batch
import download
import environments
import live
import machine
import polling
import startup
import unchanged
import upload
from measuring import Failed
from place import Missing, Place
from table import Line, markdown

SECTIONS: dict[str, Callable[[Place], Iterator[Line]]] = {
    "startup": startup.measure,
    "upload": upload.measure,
    "download": download.measure,
    "polling": polling.measure,
    "live": live.measure,
    "batch": batch.measure,
    "unchanged": unchanged.measure,
}
HEADING = """# Measured

By `python tests/bench/run.py{words}`.
Times, rates and ratios are medians of alternating runs; the spread is the lowest and highest ratio
of a round. A ratio is ours over what stands beside it: of times, memory and looks the smaller is
better, of rates the larger.

"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=" ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="small, few rounds, under a minute")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_name("RESULTS.md"), metavar="FILE"
    )
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"no such section: {', '.join(unknown)}")
    chosen = [name for name in SECTIONS if name in (given.sections or SECTIONS)]
    words = "".join(f" {word}" for word in (["--quick"] if given.quick else []) + given.sections)
    programs = environments.ours()
    text = HEADING.format(words=words) + machine.described(programs)
    with tempfile.TemporaryDirectory(prefix="compressor-bench-") as folder:
        place = Place(Path(folder), quick=given.quick, programs=programs)
        for name in chosen:
            text += f"\n## {name}\n\n" + markdown(_measured(name, place))
    given.output.write_text(text, "utf-8")
    sys.stdout.write(text)
    return 0


def _measured(name: str, place: Place) -> list[Line]:
    """A section's lines; where it broke off, the last one says why."""
    begun, lines = time.monotonic(), []
    try:
        for line in SECTIONS[name](place):
            lines.append(line)
    except (Missing, Failed) as reason:
        lines.append(Line(name, "", str(reason)))
    sys.stderr.write(f"{name}: {len(lines)} lines in {time.monotonic() - begun:.0f} s\n")
    return lines


if __name__ == "__main__":
    sys.exit(main())
