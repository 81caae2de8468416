"""A client for DLMS/COSEM meters, on gurux-dlms: `python -m tools.meter --help`, or from Python:

from tools.meter import Client, Login, Tcp

with Client(Tcp("localhost", 4059), Login(level=2, password="00000000", mechanism="lls")) as meter:
    print(meter.read("1.8.0"))
"""

from tools.meter.client import Client, MeterError
from tools.meter.login import Login
from tools.meter.transport import Serial, Tcp

__all__ = ["Client", "Login", "MeterError", "Serial", "Tcp"]
