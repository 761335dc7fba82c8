"""The service: its words, its URLs, and the only client that speaks HTTP to it."""
