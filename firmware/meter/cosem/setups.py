"""How the objects of definitions.SETUPS are made: one function for each builder named there.

A builder takes the model, the logical name and the row's argument. What a later part of the meter will own (schedules,
modems, images) has its object here with the content of a meter that has not been set up.
"""

from micropython import const

from meter.cosem import date_time, obis, switching
from meter.cosem import scripts as tables
from meter.cosem.classes import PUBLIC, READER, UTILITY, Composite, Data, Setting
from meter.cosem.data_types import INT32, OCTETS, TEXT, UINT16, UINT32
from meter.cosem.profiles import Codes, EventStore, ListStore, Profile, Push
from meter.cosem.stored_profiles import BillingStore

MANAGEMENT_SAP = 1
UNIX_2000 = 946_684_800  # of 2000-01-01 00:00:00 UTC
HDLC_DERIVED = 1000  # a lower address that is not set is this plus the serial number's last four digits

_NOTHING = const(b"\x00\x00\x00\x00\x00\x00")  # logical name of no object
_NO_SCRIPT = const((_NOTHING, 0))
_NO_OBJECT = const((0, _NOTHING, 0))
_RATES = const((300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400))  # Bd, by the enumeration of rates
_RESPONSE_MS = const((20, 200))  # by the enumeration response_time
_PERIOD_CODES = const(("0-0:1.0.0", "0.1.0"))  # of a stored period: when it was stored, reset counter
_MTU = const(576)  # bytes, TCP's default segment
_BLOCK_SIZE = const(256)  # bytes of an image

# Attributes of classes that the meter does nothing with: no entries, no times; TCP by DHCP, no image under way,
# connected and never disconnected (mode 0), billing at the end of the month that nobody has set up.
_UNSET: "dict[int, tuple]" = {
    18: (_BLOCK_SIZE, "", 0, False, 0, []),
    21: ([], _NO_OBJECT, []),
    22: ((b"\x00\x00\x0a\x00\x01\xff", 1), 1, []),
    28: (0, [], 0, 0, (0, 0)),
    29: (0, 0, 0, [], []),
    42: (_NOTHING, 0, [], [], 0, 0, True, 0, 0),
    70: (True, 1, 0),
}

# Builders that have a file of their own
scripts, billing_reset, activation = tables.scripts, tables.billing_reset, tables.activation


def features(type_code) -> list:
    """What rows of SETUPS ask for, as far as a meter of this type has it: functions, ports, and ports with a modem."""
    names = ("event_log", "load_profile", "time_switch", "demand", "reactive", "relay")
    found = [name for name in names if getattr(type_code, "has_" + name)]
    for n, interface in enumerate(type_code.interfaces):
        if interface:
            found.append("port%d" % (n + 1))
            if interface[:5] == "RS232":
                found += "modem", "modem%d" % (n + 1)
    return found + ["output%d" % (n + 1) for n in range(type_code.outputs)]


# --- identification, time, events ---------------------------------------------------------------------------------


def device_name(model, logical_name: bytes, _argument):
    return Data(logical_name, lambda: model.sources.logical_device_name.encode(), OCTETS)


def sap_assignment(model, logical_name: bytes, _argument):
    found = Composite(17, logical_name, (lambda: [(MANAGEMENT_SAP, model.sources.logical_device_name.encode())],))
    found.readable = PUBLIC
    return found


def unix_time(model, logical_name: bytes, _argument):
    return Data(logical_name, lambda: model.sources.clock.utc() + UNIX_2000, UINT32)


def text(model, logical_name: bytes, name: str):
    return Data(logical_name, lambda: getattr(model.sources, name), TEXT)


def last_event(model, logical_name: bytes, place: int):
    """`place`: of a part in an entry of the log."""

    def read() -> "int | None":
        last = model.sources.event_log.newest()
        return None if last is None else last[place]

    return Data(logical_name, read, UINT16 if place == 2 else UINT32, READER)


def event_log(model, logical_name: bytes, _argument):
    clock = model.sources.clock
    return Profile(logical_name, clock, EventStore(model.sources.event_log, clock))


# --- lists and profiles -------------------------------------------------------------------------------------------


def readout_list(model, logical_name: bytes, name: str):
    store = ListStore(model.find, Codes(model.list_codes(name)))
    return Profile(logical_name, model.sources.clock, store, readable=PUBLIC)


def load_profile(model, logical_name: bytes, n: int):
    sources, store = model.sources, model.load_store(n)
    clock, engine = sources.clock, sources.engine

    def reset() -> None:
        engine.clear_profile(n, clock.utc())

    return Profile(logical_name, clock, store, sources.profiles[n].step_s, reset=reset)


def profile_status(model, logical_name: bytes, n: int):
    """The status word of the newest entry."""
    profile = model.sources.profiles[n]

    def read() -> "int | None":
        newest = profile.newest()
        return None if newest is None else newest[1][0]

    return Data(logical_name, read, UINT32, READER)


def billing_profile(model, logical_name: bytes, scheme: int):
    codes = Codes(list(_PERIOD_CODES) + model.stored_codes(), True)
    store = BillingStore(model, model.sources.billing, scheme, codes)
    return Profile(logical_name, model.sources.clock, store)


# --- communication ------------------------------------------------------------------------------------------------


def _max_rate(parameters) -> Setting:
    """The parameter's digit is the enumeration's value."""
    return Setting(parameters, "max_baud_char", int, str)


def _start_rate(parameters, port: str):
    """The optical port always starts at 300 Bd."""
    if port == "optical":
        return 0
    return Setting(parameters, port + "_start_rate", _RATES.index, lambda choice: _RATES[choice])


def local_port(model, logical_name: bytes, port: str):
    parameters = model.parameters
    values = (
        Setting(parameters, port + "_mode"),
        _start_rate(parameters, port),
        _max_rate(parameters),
        Setting(parameters, "reaction_ms", lambda ms: int(ms >= _RESPONSE_MS[1]), lambda choice: _RESPONSE_MS[choice]),
        _octets(parameters, "address"),
        _octets(parameters, "p1_password"),
        _octets(parameters, "p2_password"),
        _octets(parameters, "w5_password"),
    )
    return Composite(19, logical_name, values)


def _octets(parameters, name: str) -> Setting:
    """A text as octets. ValueError for octets that are none."""
    return Setting(parameters, name, str.encode, lambda octets: "".join([chr(octet) for octet in octets]))


def hdlc(model, logical_name: bytes, _argument):
    """All ports have the same settings."""
    parameters = model.parameters
    values = (
        _max_rate(parameters),
        Setting(parameters, "hdlc_window"),
        Setting(parameters, "hdlc_window"),
        Setting(parameters, "hdlc_max_info"),
        Setting(parameters, "hdlc_max_info"),
        Setting(parameters, "hdlc_inter_octet_ms"),
        Setting(parameters, "hdlc_inactivity_s"),
        Setting(parameters, "hdlc_address", lambda address: address or derived_address(model.sources.serial_number)),
    )
    return Composite(23, logical_name, values)


def derived_address(serial_number: str) -> int:
    """HDLC lower address of a meter that has none set: last four digits of the serial number plus 1000."""
    return int(serial_number[-4:]) + HDLC_DERIVED


def tcp_udp(model, logical_name: bytes, _argument):
    parameters = model.parameters
    ip_setup = obis.parse("0-0:25.1.0")
    values = (Setting(parameters, "tcp_port"), ip_setup, _MTU, 1, Setting(parameters, "tcp_inactivity_s"))
    return Composite(41, logical_name, values)


def push(model, logical_name: bytes, _argument):
    codes = ["0-0:42.0.0", "0-0:1.0.0"] + model.totals()
    return Push(logical_name, ListStore(model.find, [(code, 2) for code in codes]))


def modem(model, logical_name: bytes, port: str):
    return Composite(27, logical_name, (_start_rate(model.parameters, port), [], []))


# --- security -----------------------------------------------------------------------------------------------------


def security(model, logical_name: bytes, _argument):
    """`sources.security`, or None while the meter has none: policy, suite, client_system_title, server_system_title;
    activate(policy) and transfer_keys(list of (id, wrapped key)), which raise ValueError for what is no good."""
    owner = model.sources.security
    if owner is None:
        return Composite(64, logical_name, (0, 0, b"", model.sources.system_title))

    def read(name: str):
        return lambda: getattr(owner, name)

    values = tuple([read(name) for name in ("policy", "suite", "client_system_title", "server_system_title")])
    actions = {1: (UTILITY, tables.given(owner.activate)), 2: (UTILITY, tables.given(owner.transfer_keys))}
    return Composite(64, logical_name, values, actions)


def invocation_counter(model, logical_name: bytes, _argument):
    """The highest counter accepted from a client with the unicast key: `sources.security.invocation_counter`."""
    owner = model.sources.security
    return Data(logical_name, lambda: 0 if owner is None else owner.invocation_counter, UINT32)


# --- tariff, monitors, outputs ----------------------------------------------------------------------------------------


def unset(_model, logical_name: bytes, class_id: int):
    return Composite(class_id, logical_name, _UNSET[class_id])


def special_days(model, logical_name: bytes, _argument):
    return switching.SpecialDays(logical_name, model.sources.time_switch)


def calendar(model, logical_name: bytes, _argument):
    return switching.ActivityCalendar(logical_name, model.sources.time_switch, model.sources.clock)


def control_table(model, logical_name: bytes, _argument):
    return switching.TableText(logical_name, model.sources.control_table)


def refusal(model, logical_name: bytes, name: str):
    """Why the last change of a table was refused, in words."""
    return Data(logical_name, lambda: getattr(model.sources, name).refused, TEXT, READER)


def limiter(_model, logical_name: bytes, _argument):
    no_profile = (0, date_time.UNSPECIFIED, 0)
    values: tuple = (_NO_OBJECT, 0, 0, 0, 0, 0, no_profile, [], False, (_NO_SCRIPT, _NO_SCRIPT))
    return Composite(71, logical_name, values, specs={3: INT32, 4: INT32, 5: INT32})
