"""The web panel: a live virtual meter in the browser. See README.md."""
