"""Register-level model of the Analog Devices ADE9000 energy metering front end."""

from tools.bench.ade9000.analog import Analog, ChannelError
from tools.bench.ade9000.chip import ADE9000

__all__ = ["ADE9000", "Analog", "ChannelError"]
