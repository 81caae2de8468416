"""The metering chip's settings for this meter: what BillingPath and SamplePath rely on."""

from drivers import ade9000_registers as chip

_ENERGY_SAMPLES = 4000  # an energy interval: 0.5 s
_ACTIVE, _REACTIVE = 0, chip.CF_FUNDAMENTAL_VAR
_CF3_CF4_OFF = 0xC000
_ALL_PHASES = 7
_SETTLE_256_MS = 0x0200  # PWR_SETTLE: the high pass has forgotten the switching-on before energy counts
# The chip stops counting phase by phase, the meter decides on the total. So that a phase with a small part of a total
# that counts is counted too, the chip's level is a third of a phase's share.
_NO_LOAD_SHARE = 9


def chip_setup(analog: dict, nominal_hz: int, nominal_v: int, start_power_mw: int, cf_divider: int) -> dict:
    """Register -> value for ADE9000.start.

    `analog`: see scales.py. `nominal_v`: phase to neutral. `start_power_mw`: the meter's start-up lock, total.
    `cf_divider`: CFxDEN of both test outputs, CF1 active, CF2 fundamental reactive.
    """
    no_load = _no_load_level(analog, start_power_mw)
    return {
        chip.VLEVEL: chip.VLEVEL_FULL_SCALE * analog["u_full_scale_uV"] // (nominal_v * 1_000_000),
        chip.ACT_NL_LVL: no_load,
        chip.REACT_NL_LVL: no_load,
        chip.APP_NL_LVL: no_load,
        chip.WTHR: chip.PULSE_THRESHOLD,
        chip.VARTHR: chip.PULSE_THRESHOLD,
        chip.VATHR: chip.PULSE_THRESHOLD,
        chip.CFMODE: _CF3_CF4_OFF | _REACTIVE << 3 | _ACTIVE,
        chip.COMPMODE: _ALL_PHASES << 3 | _ALL_PHASES,
        chip.CF1DEN: cf_divider,
        chip.CF2DEN: cf_divider,
        chip.ACCMODE: chip.SELFREQ_60 if nominal_hz == 60 else 0,
        chip.CONFIG1: _SETTLE_256_MS,
        chip.EGY_TIME: _ENERGY_SAMPLES - 1,
        chip.WFB_PG_IRQEN: chip.WFB_ODD_PAGES,
        chip.WFB_CFG: chip.WFB_STREAM,
        chip.EP_CFG: chip.EGY_PWR_EN,
        chip.MASK0: chip.PAGE_FULL,  # EGYRDY comes by the clock: see drivers.ade9000
        chip.MASK1: chip.ERROR2 | chip.ERROR3,
    }


def _no_load_level(analog: dict, start_power_mw: int) -> int:
    """ACT_NL_LVL, 64 times a power code, at least 1."""
    full_scale_mw = analog["u_full_scale_uV"] * analog["i_full_scale_nA"] // 10**12
    return max(1, 64 * chip.POWER_FULL_SCALE * start_power_mw // (_NO_LOAD_SHARE * full_scale_mw))
