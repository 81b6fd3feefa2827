"""Real HTTP servers on the loopback interface, started within tests.

Each is a context manager with ``url``, a log of ``requests`` and ``failures``: answers (status,
headers) given instead of the right ones to the next requests whose path holds a text.
"""
