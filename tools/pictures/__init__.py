"""The README's pictures, taken from the running virtual meter."""
