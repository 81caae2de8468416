"""The kinds of energy a meter counts, in the order they have everywhere, and what is made of them: sums, channels.

a: active, r: reactive, s: apparent; r1..r4: reactive by quadrant. mWs, mvars, mVAs.
"""

NAMES = ("a_import", "a_export", "r_import", "r_export", "r1", "r2", "r3", "r4", "s_import", "s_export")

# What a channel of a load profile shows of an energy: its advance in the interval, its register, its mean power; or
# the value of a moment, which is of no energy
ADVANCE, STATUS, AVERAGE, MOMENT = "", "=", "~", "@"
MOMENTS = tuple("u1 u2 u3 i1 i2 i3 i0 p p1 p2 p3 q q1 q2 q3 s s1 s2 s3 pf pf1 pf2 pf3 f".split())
MOST_CHANNELS = 36
NO_VALUE = -(1 << 63)  # of a moment, as a profile keeps it


def sum_channel(text: str) -> tuple:
    """The two names of a sum channel "a_import+a_export"; () for "". ValueError if it cannot be added up.

    It takes two different energies in the same unit.
    """
    if not text:
        return ()
    names = tuple(text.split("+"))
    if len(names) != 2 or names[0] == names[1] or names[0] not in NAMES or names[1] not in NAMES:
        raise ValueError("no two energies: " + text)
    if names[0][0] != names[1][0]:
        raise ValueError("not in the same unit: " + text)
    return names


def _is_active(name: str) -> bool:
    """Whether a meter of active energy alone has it: neither reactive nor apparent, nor made of one of them."""
    return name[0] not in "rsq" and name[:2] != "pf"


def energy_list(text: str, active_only: bool = False) -> tuple:
    """The names in a list "a_import,a_export", or those of active energy of them; () for "". ValueError if one is
    unknown or there twice."""
    names = tuple(text.split(",")) if text else ()
    for name in names:
        if name not in NAMES or names.count(name) > 1:
            raise ValueError("no energy, or twice: " + name)
    return tuple([name for name in names if _is_active(name)]) if active_only else names


def channels(text: str, active_only: bool = False) -> tuple:
    """The channels of a load profile, (form, name) each, of a list "a_import,=a_import,~a_import,@u1", or those of them
    that a meter of active energy alone has; () for "".

    ValueError if one is unknown or there twice, or there are too many.
    """
    found: list = []
    for item in text.split(",") if text else ():
        form = item[:1] if item[:1] in (STATUS, AVERAGE, MOMENT) else ADVANCE
        channel = form, item[len(form) :]
        if channel[1] not in (MOMENTS if form == MOMENT else NAMES) or channel in found:
            raise ValueError("no channel, or twice: " + item)
        found.append(channel)
    if len(found) > MOST_CHANNELS:
        raise ValueError("more than %d channels" % MOST_CHANNELS)
    return tuple([each for each in found if not active_only or _is_active(each[1])])
