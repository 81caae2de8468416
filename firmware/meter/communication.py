"""All ways into the meter: the optical port, the electrical ports that its type has, and TCP where the board has it.

Every port has its own DLMS server and its own view of the access door, so that what one client does or spoils stays on
its channel; the objects behind them are the same.
"""

from time import ticks_ms

from micropython import const

from meter import access as door
from meter.comms.dlms.server import MAX_PDU, Server
from meter.comms.formatted_commands import FormattedCommands
from meter.comms.hdlc import Station
from meter.comms.iec62056_21 import ModeC
from meter.comms.line import OpticalLine, electrical_line
from meter.comms.port import DirectHdlc, Port
from meter.comms.port_setup import HdlcSetup, PortSetup
from meter.comms.programming import Programming
from meter.comms.wrapper import WrapperPort
from meter.cosem.stored_profiles import PrintedProfile
from meter.events.log_profile import LogProfile
from meter.tariff.local_time import LocalTime

_CHANNELS = (door.PORT_1, door.PORT_2)
_BILLING_RESET = const("C151")  # formatted command


class TcpSetup:
    """Settings of the wrapper, as class 41 has them."""

    connections = 4

    def __init__(self, parameters):
        self._parameters = parameters

    @property
    def inactivity_s(self) -> int:
        return self._parameters.tcp_inactivity_s


class Communication:
    """The ports of `board`, with the objects of `model` (cosem.model.ObjectModel) behind them.

    `access`: meter.access.Access; `security`: comms.dlms.security.Security, or None without keys; `commands`: a
    table of FormattedCommands.
    """

    def __init__(self, board, model, access, security, commands: dict):
        self._model, self._access, self._security = model, access, security
        parameters, sources = model.parameters, model.sources
        type_code = sources.type_code
        self._identity = lambda: sources.identification(parameters.max_baud_char)
        commands[_BILLING_RESET] = door.FIELD_SERVICE, reset_command(sources.engine)
        self._commands = FormattedCommands(commands)
        self._profiles: dict = {"P.98": LogProfile(sources.event_log)} if type_code.has_event_log else {}
        for n in range(len(sources.profiles)):
            self._profiles["P.%02d" % (n + 1)] = PrintedProfile(model.load_store(n))
        self._times = LocalTime(sources.clock)
        self._hdlc = HdlcSetup(parameters, sources.serial_number)
        self._ports: list = [self._serial("optical", door.OPTICAL, OpticalLine(board.optical_uart))]
        for n, uart in enumerate((board.port1_uart, board.port2_uart)):
            interface = type_code.interfaces[n]
            if interface and uart:
                line = electrical_line(interface, uart)
                self._ports.append(self._serial("port%d" % (n + 1), _CHANNELS[n], line))
        address = board.tcp_address(parameters.tcp_port)
        if address is not None:
            self._ports.append(WrapperPort(address, lambda: self._server(door.TCP), TcpSetup(parameters)))

    @property
    def active(self) -> bool:
        """A client is being served (the display's communication symbol)."""
        return any(port.active for port in self._ports)

    def tasks(self) -> list:
        """What serves the ports, as coroutines that never end."""
        return [port.run() for port in self._ports]

    def _server(self, channel: int) -> Server:
        return Server(self._model, self._access.on(channel), channel, self._security, MAX_PDU)

    def _serial(self, name: str, channel: int, line) -> Port:
        """A port on a serial line: IEC 62056-21 with HDLC behind its mode E, or HDLC alone."""
        parameters = self._model.parameters
        setup = PortSetup(parameters, name, line.max_rate)
        station = Station(self._hdlc, self._server(channel))

        def make_station(baud: int, now: int) -> Station:
            station.begin(baud, now)
            return station

        if parameters.get(name + "_mode"):
            return Port(line, DirectHdlc(make_station, setup.direct_rate, ticks_ms()))
        programming = Programming(self._access.on(channel), self._commands, self._profiles, self._times)
        model = self._model
        return Port(line, ModeC(self._identity, model.readout, setup, programming, make_station, model.stored_readout))


def reset_command(engine):
    """A billing reset as a formatted command: ValueError if it has an operand, OSError if it is not possible now."""

    def reset(text: str) -> None:
        if text:
            raise ValueError("the billing reset has no operand")
        engine.reset_by_command()

    return reset
