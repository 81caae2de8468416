"""A value that is set at the front, digit by digit."""


class DigitSetting:
    """`text` as it is at first; `place` is the digit to be set, past the end when all are."""

    def __init__(self, text: str):
        self.text = text
        self.place = -1
        self.confirm()

    def turn(self, by: int) -> None:
        """The digit goes up or down; past 9 comes 0."""
        self.text = self._with(str((int(self.text[self.place]) + by) % 10))

    def confirm(self) -> bool:
        """Go on to the next digit; True if there is none."""
        self.place += 1
        while self.place < len(self.text) and not "0" <= self.text[self.place] <= "9":
            self.place += 1
        return self.place == len(self.text)

    def blanked(self) -> str:
        """The text as it is while the digit is dark."""
        return self._with(" ")

    def _with(self, char: str) -> str:
        return self.text[: self.place] + char + self.text[self.place + 1 :]
