"""The API on loopback: a local server that answers like the service and really compresses."""
