"""ESP32-S3-DevKitC-1 with an ADE9000 board: what is fitted, and on which pins. Wiring table: README.md."""

from machine import I2C, SPI, UART, WDT, Pin

from drivers.mcp23017 import MCP23017

# Name and key of the Wi-Fi network to join; without a name the radio stays off.
WIFI = ("", "")

# GPIO numbers. Kept free: strapping pins 0, 3, 45, 46; USB 19, 20; octal PSRAM 35 to 37; the boot console 43, 44; the
# RGB LED 38 or 48, by board version. The metering SPI is on SPI2's direct pins (IO_MUX).
PINS = {
    "seal": 1,
    "power_fail": 4,
    "fram_sck": 5,  # SPI3
    "fram_mosi": 6,
    "fram_miso": 7,
    "i2c_sda": 8,  # I2C0
    "i2c_scl": 9,
    "metering_cs": 10,
    "metering_mosi": 11,  # SPI2
    "metering_sck": 12,
    "metering_miso": 13,
    "metering_reset": 14,
    "port1_tx": 15,  # UART2
    "port1_rx": 16,
    "optical_tx": 17,  # UART1
    "optical_rx": 18,
    "metering_irq0": 21,
    "metering_irq1": 47,
    "fram_cs": 2,
    "flash_cs": 39,  # these are JTAG's
    "display_down": 40,
    "display_up": 41,
    "reset_button": 42,
}

# Pins of the port expander: 0..7 are GPA0..7, 8..15 GPB0..7
EXPANDER = {
    "output_1": 0,
    "output_2": 1,
    "output_3": 2,
    "output_4": 3,
    "output_5": 4,
    "output_6": 5,
    "relay": 7,
    "terminal_cover": 8,
    "front_cover": 9,
    "magnet": 10,
    "control_1": 11,
    "control_2": 12,
    "control_3": 13,
    "control_4": 14,
}


def _pin(name: str) -> Pin:
    return Pin(PINS[name])


def _input(name: str) -> Pin:
    return Pin(PINS[name], Pin.IN, Pin.PULL_UP)


def _high(name: str) -> Pin:
    return Pin(PINS[name], Pin.OUT, value=1)


class Board:
    """The parts a meter is made of, as ready bus objects and pins. Same attributes on every board."""

    name = "esp32s3"
    type_designation = "ZMG405CR4.260b.43"  # what a meter without a factory record takes itself for

    # Kernels for the samples: assembler ("m33"), or viper for any processor.
    KERNELS = "viper"

    # The analogue design: rms input at the metering chip's full scale (0.7071 V at the pin).
    ANALOG = {
        "i_full_scale_nA": 11_785_113_020,  # CT 2500:1 with 150 ohm: 0.06 V/A
        "u_full_scale_uV": 707_813_886,  # 1 Mohm over 1 kohm: 1/1001
    }

    def __init__(self) -> None:
        # Select lines first: a chip must not listen while the buses are being set up.
        self.metering_cs = _high("metering_cs")
        self.fram_cs = _high("fram_cs")
        self.flash_cs = _high("flash_cs")  # on fram_spi; None: no flash chip is fitted
        self.metering_reset = _high("metering_reset")
        self.metering_irq0 = _input("metering_irq0")
        self.metering_irq1 = _input("metering_irq1")
        self.metering_spi = SPI(
            1,
            baudrate=10_000_000,
            polarity=1,
            phase=1,
            sck=_pin("metering_sck"),
            mosi=_pin("metering_mosi"),
            miso=_pin("metering_miso"),
        )
        self.fram_spi = SPI(
            2,
            baudrate=10_000_000,
            polarity=0,
            phase=0,
            sck=_pin("fram_sck"),
            mosi=_pin("fram_mosi"),
            miso=_pin("fram_miso"),
        )
        # 100 kHz suits every PCF8576 type; the DS3231 would take 400.
        self.i2c = I2C(0, sda=_pin("i2c_sda"), scl=_pin("i2c_scl"), freq=100_000)
        self.optical_uart = UART(1, 300, bits=7, parity=0, stop=1, tx=_pin("optical_tx"), rx=_pin("optical_rx"))
        self.port1_uart = UART(2, 300, bits=7, parity=0, stop=1, tx=_pin("port1_tx"), rx=_pin("port1_rx"))
        self.port2_uart = None  # UART0 is the console of the stock MicroPython
        self.power_fail = _input("power_fail")  # low = mains failing; open: never fails
        self.seal = _input("seal")  # high (contact open) = certification seal broken
        expander = MCP23017(self.i2c)  # without one its inputs stay at rest, its outputs open
        self.outputs = tuple([expander.output(EXPANDER["output_%d" % (n + 1)]) for n in range(6)])  # high = closed
        self.relay = expander.output(EXPANDER["relay"])  # high = closed
        self.terminal_cover = expander.input(EXPANDER["terminal_cover"], 0)  # high = cover removed
        self.front_cover = expander.input(EXPANDER["front_cover"], 0)
        self.magnet = expander.input(EXPANDER["magnet"], 0, True)  # high = strong field, low at the pin
        inputs = [expander.input(EXPANDER["control_%d" % n], 1) for n in (1, 2, 3, 4)]
        self.control_inputs = tuple(inputs)  # low = voltage; open: none
        expander.start()
        self.battery_off = None  # no battery 1: without mains there is neither display nor readout
        # Low = pressed; None where a board has none
        self.display_down, self.display_up = _input("display_down"), _input("display_up")
        self.reset_button, self.service_button = _input("reset_button"), None

    def tcp_address(self, port: int) -> "tuple[str, int] | None":
        """(host, port) to listen on, or None without a Wi-Fi network. It is joined in the background, also again."""
        name, key = WIFI
        if not name:
            return None
        import network

        station = network.WLAN(network.WLAN.IF_STA)
        station.active(True)
        station.connect(name, key)
        return "0.0.0.0", port

    def watchdog(self) -> WDT:
        """Start the watchdog. From here on the firmware must feed it."""
        return WDT(timeout=5000)
