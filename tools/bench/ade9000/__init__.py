"""Register-level model of the Analog Devices ADE9000 energy metering front end."""

from tools.bench.ade9000.chip import ADE9000
from tools.bench.ade9000.plan import Analog, ChannelError

__all__ = ["ADE9000", "Analog", "ChannelError"]
