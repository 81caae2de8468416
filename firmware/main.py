"""Start the meter on whatever board this file lies on.

`board` is the board's own module; everything else is the same on every board. A fault that nothing below has dealt
with restarts the firmware: the registers are safe in the FRAM, and a meter must not stand still.
"""

import asyncio
import sys
import time

import machine
from board import Board

from meter.meter import Meter

try:
    asyncio.run(Meter(Board()).run())
except KeyboardInterrupt:
    raise
except Exception as error:
    sys.print_exception(error)
    time.sleep(1)  # a fault that comes back at once must not become a tight loop
    machine.reset()
