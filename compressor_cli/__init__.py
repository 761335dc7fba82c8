"""The command line of the Compressor API, and its `Client` for use from Python.

Importing this package costs nothing: `Client` is imported when it is asked for.
"""

__version__ = "0.1.0"
__all__ = ["Client", "__version__"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from compressor_cli.client import Client


def __getattr__(name: str) -> object:
    if name != "Client":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from compressor_cli.client import Client

    return Client
