"""Rows as a batch would hand them over, and any other that a hostile name could make."""

from __future__ import annotations

from hypothesis import strategies as st

from compressor_cli.terminal.report import Row

STATES = (
    "compressed", "kept", "unchanged", "stored", "failed", "postponed", "would-send",
    "ok", "missing", "changed", "stale-output", "over-budget",
)  # fmt: skip

PHOTO = Row(
    "assets/hero/a-very-long-name-of-a-picture-that-came-from-a-camera-2026-11-24.png",
    "compressed", before=8_060_000, after=2_980_000, seconds=41.2, target="out/hero.png",
)  # fmt: skip
WIDE = Row("assets/写真/富士山.jpg", "compressed", before=1_200_000, after=800_000, seconds=3.2)
GREW = Row("assets/grew.gif", "compressed", before=100_000, after=104_000, seconds=1.0)
KEPT = Row("logo.svg", "kept", before=4_000, after=4_000, detail="the result was not smaller")
STORED = Row(
    "https://h.example/x.png", "stored", before=500_000, after=200_000, seconds=9.0,
    url="https://bucket.example/x.png", job_id="j-5",
)  # fmt: skip
SAME = Row("assets/same.png", "unchanged", before=9_000)
LATE = Row("late.mp4", "postponed", before=80_600_000, job_id="j-9", detail="still running")
FAILED = Row(
    "::error::\x1b[31m@you |`x`.png", "failed", before=5_000, seconds=2.0, job_id="j-1",
    detail="the job failed: <b>too</b> red\n::set-env name=A::b", exit_code=6,
)  # fmt: skip
BATCH = [KEPT, FAILED, SAME, GREW, STORED, LATE, WIDE, PHOTO]

_HOSTILE = st.sampled_from(
    ["::", "::error::x", "##[", "\n", "\r\n", "\r", "\x1b[2J", "\u202e", "\u2028", "\ud800", "|",
     "`", "``", "\\", "@you", "#1", "<img src=x>", "[a](b)", "www.a.b", "*", "_", "%0A", "%", ",",
     ":", " ", "\u3000", "富士", "e\u0301", "❤\ufe0f", "−", "…", "a", "&lt;", "$x$"]
)  # fmt: skip
HOSTILE = st.lists(_HOSTILE, max_size=12).map("".join) | st.text(
    st.characters(codec=None, exclude_categories=[]), max_size=80
)
SIZES = st.none() | st.integers(0, 10**13)
ROWS = st.lists(
    st.builds(
        Row,
        path=HOSTILE,
        state=st.sampled_from(STATES),
        before=SIZES,
        after=SIZES,
        seconds=st.none() | st.floats(0, 10**6),
        target=st.none() | HOSTILE,
        url=st.none() | HOSTILE,
        detail=HOSTILE,
        exit_code=st.sampled_from([0, 6, 11]),
    ),
    max_size=8,
)
