"""From an area and an origin time to tracks with their pre and post acquisitions."""
