"""From results to STAC items, collections and the files beside them."""
