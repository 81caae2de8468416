"""Put the firmware on a board: `python -m tools.deploy --help`."""
