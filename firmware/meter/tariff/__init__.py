"""What is done with energy and time: registers, and later rates, demand, billing and profiles."""
