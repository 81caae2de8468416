"""What a person sees of the meter: the LCD and the test LEDs."""
