"""Where the process begins: `compressor` and `python -m compressor_cli`."""

import gc
import signal
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line. Ctrl-C while it is still being loaded ends it without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # nothing that is loaded is garbage: `main` turns it on again
    from compressor_cli.app import main

    main()


if __name__ == "__main__":
    run()
