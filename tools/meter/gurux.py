"""gurux-dlms 1.0.203 with what it itself uses but does not have, and without what it prints to standard output."""

from __future__ import annotations

import sys
from typing import Any

from gurux_dlms import GXReplyData
from gurux_dlms.enums import Command
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.secure import GXDLMSSecureClient

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
