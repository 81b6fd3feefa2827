"""From simulated worlds to models: patches, one training, many of them compared."""
