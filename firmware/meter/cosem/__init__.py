"""The object model: every value the meter has, under its OBIS code."""
