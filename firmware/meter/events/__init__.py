"""What the meter notices about itself and its surroundings."""
