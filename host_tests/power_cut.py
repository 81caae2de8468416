"""The supply goes in the middle of a write. For either interpreter."""


class PowerCut(BaseException):
    """Ends the firmware where it stands."""


def stop():
    """What a chip is to do when its supply goes."""
    raise PowerCut
