"""The DLMS application layer: start with README.md."""
