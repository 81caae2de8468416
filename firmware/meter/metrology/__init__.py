"""From the metering chip's samples and accumulators to powers and energies. Where to start: README.md."""
