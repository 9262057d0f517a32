"""A terminal in memory: what a person sees after everything that was written to it.

It knows what is needed to draw lines over again, and fails on every other control sequence, so
that nothing unexpected passes for harmless.
"""

import io
import re

_TOKENS = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\r\n])|([^\x00-\x1f\x7f]+)|(.)", re.DOTALL)

COLUMNS = 80


class Terminal(io.StringIO):
    """A text stream that says it is a terminal of 80 columns and any number of rows."""

    def isatty(self) -> bool:
        return True

    @property
    def screen(self) -> list[str]:
        """The lines, without the empty ones at the end; those that scrolled away, too."""
        lines, row, column = [""], 0, 0
        for parameters, command, move, text, other in _TOKENS.findall(self.getvalue()):
            if move == "\r":
                column = 0
            elif move == "\n":
                row, column = row + 1, 0
                lines += [""] * (row + 1 - len(lines))
            elif command == "A":
                row = max(0, row - int(parameters or 1))
            elif (command, parameters) == ("K", "2"):
                lines[row] = ""
            elif text:
                for character in text:
                    if column == COLUMNS:
                        row, column = row + 1, 0
                        lines += [""] * (row + 1 - len(lines))
                    line = lines[row].ljust(column)
                    lines[row] = line[:column] + character + line[column + 1 :]
                    column += 1
            elif command != "m":
                raise AssertionError(f"unexpected: {parameters!r} {command!r} {other!r}")
        while lines and not lines[-1]:
            lines.pop()
        return lines
