"""Radar geometry over relief: incidence, layover and shadow, radiometry."""
