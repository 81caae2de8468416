"""Start the meter on whatever board this file lies on.

`board` is the board's own module; everything else is the same on every board. A fault that nothing below has dealt
with restarts the firmware: the registers are safe in the FRAM, and a meter must not stand still.
"""

import asyncio
import gc
import sys
import time

# While code is loaded and parts are made, garbage is collected often: what stays lies close together then, and the
# heap that is left is in one piece. Later it is collected when the heap is full.
gc.threshold(16_384)

import machine  # noqa: E402
from board import Board  # noqa: E402

from meter.meter import Meter  # noqa: E402

try:
    meter = Meter(Board())
    gc.threshold(-1)
    asyncio.run(meter.run())
except KeyboardInterrupt:
    raise
except Exception as error:
    sys.print_exception(error)
    time.sleep(1)  # a fault that comes back at once must not become a tight loop
    machine.reset()
