"""The version of compressor, and nothing else: importing this package costs nothing."""

__version__ = "0.1.0"
