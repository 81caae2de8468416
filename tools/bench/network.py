"""The meter's network in real time: this computer's own, at a TCP port that the bench keeps free for the firmware."""

from __future__ import annotations

import socket


def reserve_port() -> socket.socket:
    """A socket that holds a free port of 127.0.0.1 while it is open, without listening.

    Linux lets another socket bind the same port and listen if both have SO_REUSEADDR, also right after the one that
    listened before has died; nobody else is given the port meanwhile.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder
