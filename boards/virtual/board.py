"""The virtual board: what is fitted, and on which pins and buses (numbers in wiring.py)."""

import sys

import wiring
from machine import I2C, SPI, UART, WDT, Pin


class Board:
    """The parts a meter is made of, as ready bus objects and pins. Same attributes on every board."""

    name = "virtual"
    type_designation = "ZMG405CR4.260b.43"  # what a meter without a factory record takes itself for

    # Kernels for the samples: assembler ("m33"), or viper for any processor.
    KERNELS = "viper"

    # The analogue design: rms input at the metering chip's full scale (0.7071 V at the pin).
    ANALOG = {
        "i_full_scale_nA": 11_785_113_020,  # CT 2500:1 with 150 ohm: 0.06 V/A
        "u_full_scale_uV": 707_813_886,  # 1 Mohm over 1 kohm: 1/1001
    }

    def __init__(self):
        self.metering_spi = SPI(wiring.SPI_METERING, baudrate=10_000_000, polarity=1, phase=1)
        self.metering_cs = Pin(wiring.METERING_CS, Pin.OUT, value=1)
        self.metering_irq0 = Pin(wiring.METERING_IRQ0, Pin.IN)
        self.metering_irq1 = Pin(wiring.METERING_IRQ1, Pin.IN)
        self.metering_reset = Pin(wiring.METERING_RESET, Pin.OUT, value=1)
        self.fram_spi = SPI(wiring.SPI_FRAM, baudrate=10_000_000, polarity=0, phase=0)
        self.fram_cs = Pin(wiring.FRAM_CS, Pin.OUT, value=1)
        self.flash_cs = Pin(wiring.FLASH_CS, Pin.OUT, value=1)  # on fram_spi; None: no flash chip is fitted
        self.i2c = I2C(wiring.I2C_MAIN, freq=400_000)
        self.optical_uart = UART(wiring.UART_OPTICAL, 300, bits=7, parity=0, stop=1)
        self.port1_uart = UART(wiring.UART_PORT1, 300, bits=7, parity=0, stop=1)
        self.port2_uart = UART(wiring.UART_PORT2, 300, bits=7, parity=0, stop=1)
        self.power_fail = Pin(wiring.POWER_FAIL, Pin.IN)  # low = mains failing
        self.seal = Pin(wiring.SEAL, Pin.IN)  # high = certification seal broken
        self.control_inputs = tuple([Pin(pin, Pin.IN) for pin in wiring.CONTROL_INPUTS])  # low = voltage
        self.terminal_cover = Pin(wiring.TERMINAL_COVER, Pin.IN)  # high = open; None: there is no contact
        self.front_cover = Pin(wiring.FRONT_COVER, Pin.IN)
        self.magnet = Pin(wiring.MAGNET, Pin.IN)  # high = strong DC field
        self.outputs = tuple([Pin(pin, Pin.OUT, value=0) for pin in wiring.OUTPUTS])  # high = closed
        self.relay = Pin(wiring.RELAY, Pin.OUT, value=0)  # None: there is none
        self.battery_off = Pin(wiring.BATTERY_OFF, Pin.OUT, value=0)  # high ends life on battery 1; None: there is none
        # Low = pressed; None where a board has none
        self.display_down = Pin(wiring.DISPLAY_DOWN, Pin.IN)
        self.display_up = Pin(wiring.DISPLAY_UP, Pin.IN)
        self.reset_button = Pin(wiring.RESET_BUTTON, Pin.IN)
        self.service_button = Pin(wiring.SERVICE_BUTTON, Pin.IN)

    def tcp_address(self, _port: int):
        """(host, port) to listen on, or None: there is no network in virtual time. The port is the bench's choice."""
        return ("127.0.0.1", int(sys.argv[3])) if len(sys.argv) > 3 else None

    def watchdog(self):
        """Start the watchdog. From here on the firmware must feed it."""
        return WDT(timeout=5000)
