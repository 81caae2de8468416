"""The metering chip's settings for this meter: what BillingPath and SamplePath rely on."""

from drivers import ade9000_registers as chip
from meter.metrology.networks import Network

_ENERGY_SAMPLES = 4000  # an energy interval: 0.5 s
_ACTIVE, _REACTIVE = 0, chip.CF_FUNDAMENTAL_VAR
_SETTLE_256_MS = 0x0200  # PWR_SETTLE: the high pass has forgotten the switching-on before energy counts


def summation_in(network: Network, summation: str) -> str:
    """The summation that a network allows: an Aron circuit's elements mean nothing apart, so only their vector sum.

    All but "vector" have the chip add up absolute values, for the registers and the test LEDs alike.
    """
    return summation if network.phases else "vector"


def chip_setup(
    analog: dict, network: Network, nominal_hz: int, nominal_v: int, cf_divider: int, summation: str = "vector"
) -> dict:
    """Register -> value for ADE9000.start.

    `analog`: see scales.py. `nominal_v`: at the voltage inputs, phase to neutral or, in 3P3W, between phases.
    `cf_divider`: CFxDEN of both test outputs, CF1 active, CF2 fundamental reactive; they are dark until
    ADE9000.enable_pulses.
    """
    accmode = network.accmode
    if nominal_hz == 60:
        accmode |= chip.SELFREQ_60
    if summation_in(network, summation) != "vector":
        accmode |= chip.WATTACC_ABSOLUTE | chip.VARACC_ABSOLUTE
    setup = {
        chip.CONFIG0: 0,
        chip.CONFIG2: chip.HIGH_PASS_1_25_HZ,
        chip.ADC_REDIRECT: chip.ADC_STRAIGHT,
        chip.PGA_GAIN: 0,
        chip.CHNL_DIS: 0,
        chip.VAR_DIS: 0,
        chip.VLEVEL: chip.VLEVEL_FULL_SCALE * analog["u_full_scale_uV"] // (nominal_v * 1_000_000),
        chip.WTHR: chip.PULSE_THRESHOLD,
        chip.VARTHR: chip.PULSE_THRESHOLD,
        chip.VATHR: chip.PULSE_THRESHOLD,
        chip.CFMODE: chip.CF_ALL_DISABLED | _REACTIVE << 3 | _ACTIVE,
        chip.COMPMODE: network.terms << 3 | network.terms,
        chip.CF1DEN: cf_divider,
        chip.CF2DEN: cf_divider,
        chip.ACCMODE: accmode,
        chip.CONFIG1: _SETTLE_256_MS,
        chip.EGY_TIME: _ENERGY_SAMPLES - 1,
        chip.PWR_TIME: _ENERGY_SAMPLES - 1,  # so that PHSIGN tells the signs of the energy interval
        chip.WFB_PG_IRQEN: chip.WFB_ODD_PAGES,
        chip.WFB_CFG: chip.WFB_STREAM,
        # The start-up lock is the meter's, on the total; the chip's would drop single elements.
        chip.EP_CFG: chip.EGY_PWR_EN | chip.NO_LOAD_OFF | chip.VAR_SIGN_FUNDAMENTAL,
        chip.MASK0: chip.PAGE_FULL,  # EGYRDY comes by the clock: see drivers.ade9000
        chip.MASK1: chip.ERROR2 | chip.ERROR3,
    }
    for phase in range(3):
        setup[chip.PGAIN + phase * chip.PHASE_STEP] = 0
    return setup
