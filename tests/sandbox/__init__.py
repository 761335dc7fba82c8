"""Tests of the sandbox, over real HTTP on a real port."""
