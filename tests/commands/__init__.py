"""Whole commands, installed and in a process of their own, against the sandbox on a real port."""
