"""From a composite and a model to the lattice of scores and the detections."""
