"""Handing the catalogue on: a read-only server, other APIs, checks, and repeating a result."""
