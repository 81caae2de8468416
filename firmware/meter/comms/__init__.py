"""Communication: lines and protocols. Start with README.md."""
