"""From an id, a file, a study case or a time to an :class:`~sarlra.events.event.Event`."""
