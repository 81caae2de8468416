"""Read, parameterise and command a DLMS/COSEM meter over TCP or a serial line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from gurux_dlms.enums import AccessMode, MethodAccessMode
from gurux_dlms.objects import GXDLMSObject
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tools.figures import picture_path
from tools.meter import profile_table
from tools.meter.client import CLOCK, Client, MeterError, from_list
from tools.meter.login import LEVELS, MECHANISMS, PROTECTIONS, Login
from tools.meter.profile_table import Table
from tools.meter.transport import WRAPPER_PORT, Serial, Tcp, Transport
from tools.meter.values import TYPES, UNITS, moment, parse, plain

_MOST_SECONDS = 1e6
_MOST_ATTRIBUTE = 127  # an Integer8 (DLMS UA 1000-2, COSEM-Attribute-Descriptor)
_PIPE_CLOSED = 128 + 13  # as a shell has it for a program that SIGPIPE ends
_CODE = "with its class, as in 3/1-1:1.8.0, the object list is not read before"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.meter", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    way = parser.add_argument_group("the way to the meter").add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--tcp", metavar="HOST[:PORT]", type=_address, help=f"DLMS wrapper (port {WRAPPER_PORT} if none is named)"
    )
    way.add_argument("--serial", metavar="PORT", help="serial port, pseudo-terminal or pySerial URL")
    parser.add_argument("--baud", type=int, default=9600, help="of --serial, at most (default: %(default)s)")
    parser.add_argument("--direct", action="store_true", help="--serial is HDLC at once, without IEC 62056-21 mode E")
    parser.add_argument(
        "--timeout", type=_seconds, default=5.0, metavar="S", help="for an answer (default: %(default)s)"
    )
    parser.add_argument(
        "--objects",
        type=Path,
        metavar="FILE",
        help="what `--json list` has given: on a slow line it need not be read anew",
    )
    _add_login(parser.add_argument_group("who logs in"))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="all objects, with what this level may do with them").set_defaults(run=_list)
    read = commands.add_parser("read", help="attributes by OBIS code: 1.8.0, F.F, 1.8.0:3 (attribute 3)")
    read.add_argument("codes", nargs="+", metavar="[CLASS/]CODE[:ATTRIBUTE]", help=_CODE)
    read.set_defaults(run=_read)
    write = commands.add_parser("write", help="an attribute by OBIS code")
    write.add_argument("code", metavar="[CLASS/]CODE[:ATTRIBUTE]", help=_CODE)
    write.add_argument("value", help="a number, text, or hexadecimal digits for octets")
    write.add_argument("--type", choices=sorted(TYPES), help="default: the type that the meter gives when read")
    write.set_defaults(run=_write)
    execute = commands.add_parser("execute", help="a method by OBIS code")
    execute.add_argument("code", metavar="[CLASS/]CODE:METHOD", help=_CODE)
    execute.add_argument("value", nargs="?", default="0", help="its parameter (default: integer 0)")
    execute.add_argument("--type", choices=sorted(TYPES), default="int8", help="default: %(default)s")
    execute.set_defaults(run=_execute)
    profile = commands.add_parser("profile", help="rows of a profile, as CSV")
    profile.add_argument("code", metavar="[CLASS/]CODE", help="99.1.0, 0-0:99.98.0; 7/0-0:99.98.0 needs no object list")
    profile.add_argument("--from", dest="begin", type=_moment, metavar="TIME", help="ISO 8601, UTC without a zone")
    profile.add_argument("--to", dest="end", type=_moment, metavar="TIME")
    profile.add_argument("--entries", metavar="FIRST:COUNT", type=_entries, help="1 is the oldest")
    profile.add_argument("--csv", type=Path, metavar="FILE.csv", help="default: standard output")
    profile.add_argument("--plot", type=picture_path, metavar="FILE.png", help="draw it as well; or .svg, .pdf")
    profile.set_defaults(run=_profile)
    clock = commands.add_parser("clock", help="show the clock, or set it")
    clock.add_argument("--set", dest="when", type=_moment, metavar="TIME", help="ISO 8601 or now")
    clock.set_defaults(run=_clock)
    return parser


def _add_login(group: Any) -> None:
    group.add_argument("--level", type=int, default=0, choices=LEVELS, help="access level, decides the client address")
    group.add_argument("--client", type=int, help="client address (SAP) instead of the level's")
    group.add_argument("--server", type=int, default=1, help="logical device (default: %(default)s)")
    group.add_argument("--mechanism", choices=sorted(MECHANISMS), help="default: lls with a password, none without")
    group.add_argument("--password", default="", help="of LLS, secret of HLS")
    group.add_argument("--protection", choices=sorted(PROTECTIONS), default="none", help="ciphering of each message")
    group.add_argument("--encryption-key", type=_octets, metavar="HEX", help="16 bytes (default: the test key)")
    group.add_argument("--authentication-key", type=_octets, metavar="HEX", help="16 bytes")
    group.add_argument("--title", type=_octets, metavar="HEX", help="the client's system title, 8 bytes")
    group.add_argument("--counter", type=int, default=0, help="invocation counter to begin with")
    group.add_argument("--sn", action="store_true", help="short-name referencing")


# --- words of the command line: ArgumentTypeError says what they must be like --------------------------------------


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text and text[-1:] != "]" else (text, "", str(WRAPPER_PORT))
    if not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r}: HOST:PORT with a port of 1..65535, as in localhost:{WRAPPER_PORT}")
    if ":" in host.strip("[]") and host[:1] + host[-1:] != "[]":
        raise argparse.ArgumentTypeError(f"{text!r}: an address of IPv6 is in brackets, as in [::1]:{WRAPPER_PORT}")
    return host.strip("[]") or "localhost", int(port)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < _MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


def _entries(text: str) -> tuple[int, int]:
    first, _, count = text.partition(":")
    if not first.isdecimal() or not count.isdecimal() or not int(first) or not int(count):
        raise argparse.ArgumentTypeError(f"{text!r}: FIRST:COUNT, both from 1, as in 1:10")
    return int(first), int(count)


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: hexadecimal digits, two for a byte") from None


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


# --- the way to the meter -----------------------------------------------------------------------------------------


def _login(arguments: argparse.Namespace) -> Login:
    given = {name: getattr(arguments, name) for name in ("encryption_key", "authentication_key", "title")}
    return Login(
        level=arguments.level,
        mechanism=arguments.mechanism or ("lls" if arguments.password else "none"),
        password=arguments.password,
        protection=arguments.protection,
        counter=arguments.counter,
        client=arguments.client,
        server=arguments.server,
        short_names=arguments.sn,
        **{name: value for name, value in given.items() if value is not None},
    )


def _transport(arguments: argparse.Namespace) -> Transport:
    if arguments.serial:
        return Serial(arguments.serial, arguments.baud, not arguments.direct, arguments.timeout)
    host, port = arguments.tcp
    return Tcp(host, port, arguments.timeout)


def _objects(arguments: argparse.Namespace) -> list[GXDLMSObject] | None:
    if arguments.objects is None or arguments.command == "list":
        return None
    try:
        return from_list(json.loads(arguments.objects.read_text()))
    except ValueError:
        raise ValueError(f"{arguments.objects} is no object list: make one with `--json ... list`") from None


# --- commands: each gives what is printed, as JSON has it ----------------------------------------------------------


def _list(client: Client, _arguments: argparse.Namespace, _tell: Callable[[str], None]) -> Any:
    found = []
    client.read_rights()
    for target in client.objects:
        attributes = {}
        for n in range(1, target.getAttributeCount() + 1):
            access = target.getAccess(n)
            attributes[n] = AccessMode(access).name.lower() if access is not None else ""
        methods = [
            n
            for n in range(1, target.getMethodCount() + 1)
            if target.getMethodAccess(n) not in (None, MethodAccessMode.NO_ACCESS)
        ]
        found.append(
            {
                "class": int(target.objectType),
                "version": target.version,
                "name": target.logicalName,
                "short_name": target.shortName,
                "description": target.description or "",
                "attributes": attributes,
                "methods": methods,
            }
        )
    return found


def _split(text: str) -> tuple[str, int]:
    """`CODE[:N]`; a medium and channel before the code may have a colon of their own: `1-1:1.8.0:3`."""
    head, _, tail = text.rpartition(":")
    if not head or not tail.isdigit():
        return text, 2
    if not 0 < int(tail) <= _MOST_ATTRIBUTE:
        raise ValueError(f"{text!r}: attributes are numbered from 1 to {_MOST_ATTRIBUTE}, the value is mostly 2")
    return head, int(tail)


def _read(client: Client, arguments: argparse.Namespace, tell: Callable[[str], None]) -> Any:
    values = {}
    for text, (code, attribute) in zip(arguments.codes, [_split(text) for text in arguments.codes], strict=True):
        tell(code)
        try:
            target = client.find(code)
            value = plain(client.read(target, attribute))
        except MeterError as error:
            arguments.refused.append(str(error))
            continue
        unit = UNITS.get(int(getattr(target, "unit", 0) or 0)) if attribute == 2 else None
        values[text] = {"value": value, "unit": unit} if unit else {"value": value}
    return values or None


def _write(client: Client, arguments: argparse.Namespace, _tell: Callable[[str], None]) -> Any:
    code, attribute = _split(arguments.code)
    if arguments.type:
        data_type = TYPES[arguments.type]
    else:
        try:
            data_type = client.data_type(code, attribute)
        except MeterError as error:
            raise MeterError(f"{error}: it cannot be read, so say with --type what it is") from None
    client.write(code, attribute, parse(arguments.value, data_type), data_type)
    return {"written": arguments.code}


def _execute(client: Client, arguments: argparse.Namespace, _tell: Callable[[str], None]) -> Any:
    code, _, method = arguments.code.rpartition(":")
    if not code or not method.isdigit():
        raise ValueError(f"{arguments.code!r}: name the method, as in 0-0:1.0.0:3")
    data_type = TYPES[arguments.type]
    client.execute(code, int(method), parse(arguments.value, data_type), data_type)
    return {"executed": arguments.code}


def _profile(client: Client, arguments: argparse.Namespace, tell: Callable[[str], None]) -> Any:
    asked = arguments.begin, arguments.end, arguments.entries
    table = profile_table.read(client, arguments.code, *asked, lambda size: tell(f"{size} bytes"))
    if not arguments.csv and not arguments.plot:
        return table
    profile_table.keep(table, f"Profile {arguments.code}", arguments.csv, arguments.plot)
    return {"written": [str(path) for path in (arguments.csv, arguments.plot) if path]} if arguments.json else None


def _as_json(table: Table) -> dict[str, Any]:
    return {
        "columns": [column.code for column in table.columns],
        "units": [column.unit for column in table.columns],
        "rows": [[plain(value) for value in row] for row in table.rows],
    }


def _clock(client: Client, arguments: argparse.Namespace, _tell: Callable[[str], None]) -> Any:
    if arguments.when is not None:
        client.set_clock(arguments.when)
    return {"clock": plain(client.read(CLOCK))}


# --- output -------------------------------------------------------------------------------------------------------


def _print(command: str, result: Any, as_json: bool) -> None:
    if result is None:
        return
    if isinstance(result, Table):
        if as_json:
            print(json.dumps(_as_json(result), indent=2))
        else:
            profile_table.write_csv(result, sys.stdout)
    elif as_json:
        print(json.dumps(result, indent=2))
    elif command == "list":
        for entry in result:
            modes = " ".join(f"{n}:{_SHORT.get(mode, mode)}" for n, mode in entry["attributes"].items())
            print(f"{entry['class']:>3} {entry['name']:<18} {modes:<60} {entry['description']}".rstrip())
    elif command == "read":
        for code, value in result.items():
            print(code, value["value"], value.get("unit", ""))
    else:
        for name, value in result.items():
            print(name, value)


_SHORT = {"no_access": "-", "read": "r", "write": "w", "read_write": "rw", "": "?"}


def _run(arguments: argparse.Namespace) -> Any:
    objects = _objects(arguments)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("connecting")
        with Client(_transport(arguments), _login(arguments), objects=objects) as client:
            progress.update(task, description=arguments.command)
            tell = lambda text: progress.update(task, description=f"{arguments.command} {text}")  # noqa: E731
            return arguments.run(client, arguments, tell)


def main(words: list[str] | None = None) -> int:
    """Exit code 0: done; 1: some of what was asked for could not be read; 2: nothing."""
    arguments = _parser().parse_args(words)
    arguments.refused = []  # why some could not be read
    try:
        result = _run(arguments)
    except KeyboardInterrupt:
        return 130
    except (MeterError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for reason in arguments.refused:
        print(f"error: {reason}", file=sys.stderr)
    try:
        _print(arguments.command, result, arguments.json)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has had enough; nor shall Python complain of it at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    return (1 if result else 2) if arguments.refused else 0


if __name__ == "__main__":
    sys.exit(main())
