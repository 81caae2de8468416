"""Which net of the bench sits on which pin and bus of the virtual board.

Plain numbers, imported by the board (MicroPython) and by the bench (CPython): the one place where both agree.
"""

# GPIO numbers, 0..31
METERING_CS = 1
METERING_RESET = 2
METERING_IRQ0 = 3
METERING_IRQ1 = 4
FRAM_CS = 5
POWER_FAIL = 6  # low = mains failing
SEAL = 7  # high = certification seal broken
DISPLAY_DOWN = 14  # the buttons; low = pressed
DISPLAY_UP = 15
RESET_BUTTON = 16
SERVICE_BUTTON = 17
FLASH_CS = 24  # on the FRAM's bus
BATTERY_OFF = 29  # high resets the latch that a display button sets
CONTROL_INPUTS = (10, 11, 12, 13)  # low = voltage on the terminal
TERMINAL_COVER = 26  # high = open
FRONT_COVER = 27  # high = open
MAGNET = 28  # high = strong DC field
OUTPUTS = (18, 19, 20, 21, 22, 23)  # high = contact closed
RELAY = 25  # high = closed

# SPI buses
SPI_METERING = 0
SPI_FRAM = 1

# I2C bus and 7-bit addresses on it
I2C_MAIN = 0
LCD_ADDRESS = 0x38
RTC_ADDRESS = 0x68

# UARTs
UART_OPTICAL = 0
UART_PORT1 = 1
UART_PORT2 = 2
