"""The meter: knows drivers' interfaces, never a board."""
