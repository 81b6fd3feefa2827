"""Planning jobs (tile x track), running them on dask, and folding their results."""
