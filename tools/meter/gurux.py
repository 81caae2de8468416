"""gurux-dlms 1.0.203 with what it itself uses but does not have, and without what it prints to standard output."""

from __future__ import annotations

import sys
from typing import Any

from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms._GXFCS16 import _GXFCS16
from gurux_dlms.enums import Command
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.secure import GXDLMSSecureClient

_FLAG, _FORMAT = 0x7E, 0xA0  # of HDLC frames

# Names that its short-name and general blocks ask for
GXDLMSSettings.blockNumber = property(lambda settings: settings.blockIndex)
GXReplyData.setTotalCount = lambda reply, count: setattr(reply, "totalCount", count)
GXReplyData.getMoreData = lambda reply: reply.moreData


def _silent(*_words: Any) -> None:
    """In place of its `print`: it tells of each ciphered message, in the middle of a script's JSON."""


vars(sys.modules["gurux_dlms.GXDLMSChippering"])["print"] = _silent  # the module, which its class hides


def next_block(client: GXDLMSSecureClient, reply: GXReplyData) -> Any:
    """The request for the next block or frame of an answer."""
    if not client.useLogicalNameReferencing:  # its requests with short names forget to say what they are
        client.settings.command = Command.READ_REQUEST
    return client.receiverReady(reply)


def whole_frames(received: bytearray) -> bytes:
    """Take the HDLC frames that are whole and undamaged out of `received`; what may still become one stays there.

    It counts a frame before it looks at its check sequence, and would be out of step after a spoiled one.
    """
    frames = b""
    while True:
        begin = received.find(_FLAG)
        del received[: begin if begin >= 0 else len(received)]
        if len(received) < 3:
            return frames
        size = ((received[1] & 7) << 8 | received[2]) + 2
        if received[1] & 0xF0 != _FORMAT:
            del received[0]
        elif len(received) < size:
            return frames
        elif received[size - 1] == _FLAG and _is_undamaged(received[1 : size - 1]):
            frames += received[:size]
            del received[: size - 1]  # the flag may be the next one's, too
        else:
            del received[0]


def _is_undamaged(frame: bytearray) -> bool:
    return _GXFCS16.countFCS16(GXByteBuffer(frame), 0, len(frame) - 2) == int.from_bytes(frame[-2:], "big")
