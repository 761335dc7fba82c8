"""The service: its URLs, its answers, its client."""
