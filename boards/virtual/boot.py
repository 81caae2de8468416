"""Start the firmware on the virtual board: `micropython boot.py <fd in> <fd out> [<TCP port>]`, run by the bench.

Puts this folder (its `machine`, `time` and `_asyncio`) and the firmware on the path, lets `asyncio` wait in the bench
(and, if there is a network, for the computer's sockets), then hands over to the main.py that a microcontroller runs.
"""

import gc
import sys

gc.threshold(16_384)  # as main.py does; here the sources are compiled too
_here = __file__.rsplit("/", 1)[0]
sys.path[:] = [_here, _here + "/../../firmware", ".frozen"]

import time  # noqa: E402, F401  before asyncio, which takes its ticks from it

import tasks  # noqa: E402

sys.modules["_asyncio"] = tasks

import asyncio.core  # noqa: E402

tasks.core = asyncio.core

import io_queue  # noqa: E402
import link  # noqa: E402

io_queue.core = asyncio.core
asyncio.core._io_queue = io_queue.IOQueue()

import machine  # noqa: E402, F401  greets the bench

if len(sys.argv) > 3:  # there is a network
    import socket_queue

    asyncio.core._io_queue = socket_queue.SocketQueue()

import board  # noqa: E402, F401  all code is loaded before the meter starts, so that the heap report can tell code from data
import meter.meter  # noqa: E402, F401

link.code_is_loaded()

import main  # noqa: E402, F401
