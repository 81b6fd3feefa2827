"""From composites and polygons to labelled patches."""
