"""What a server wants to be proven by. Pure.

    WWW-Authenticate fields -> tuple[Challenge, ...]

Source: RFC 9110 sections 11.2 to 11.6.1 and 5.6. Never fails: a field that does not keep to the
grammar, or that says something twice, has no challenges, as two readers could see two in it.
"""

import re
from dataclasses import dataclass
from typing import Final, final

from pipeline.limits import CHALLENGES, FIELD_CHARACTERS

# Possessive throughout, so that no field takes more than linear time.
_WORD: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_QUOTED: Final = (
    r'"(?P<quoted>(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*+)"'
)
_END: Final = r"(?=[ \t]*+(?:,|\Z))"
_BETWEEN: Final = re.compile(r"[ \t,]*+")
_SCHEME: Final = re.compile(rf"(?P<scheme>{_WORD})(?:{_END}|[ \t]++)")
_TOKEN68: Final = re.compile(rf"[A-Za-z0-9\-._~+/]++=*+{_END}")
_PARAMETER: Final = re.compile(
    rf"(?P<name>{_WORD})[ \t]*+=[ \t]*+(?:(?P<token>{_WORD})|{_QUOTED}){_END}"
)
_ESCAPED: Final = re.compile(r"\\(.)")


@final
@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to prove who asks; the scheme and the parameters' names are in lower case."""

    scheme: str
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str:
        """Return a parameter's value; empty where there is none."""
        return next((value for each, value in self.parameters if each == name), "")


def parse_challenges(untrusted_fields: tuple[str, ...]) -> tuple[Challenge, ...]:
    r"""Read the fields of one answer, in order, up to :data:`~pipeline.limits.CHALLENGES`.

    ``#( scheme [ 1*SP ( token68 / #( name BWS "=" BWS ( token / quoted-string ) ) ) ] )``: commas
    stand between challenges, and between the parameters of each. What a token68 says is left out:
    no scheme that is answered here has one.

    >>> parse_challenges(('Basic realm="a, \\"b\\"", BEARER realm=x , service=y',))[1]
    Challenge(scheme='bearer', parameters=(('realm', 'x'), ('service', 'y')))
    """
    found: list[Challenge] = []
    for field in untrusted_fields[:CHALLENGES]:
        found += _parse_field(field) if len(field) <= FIELD_CHARACTERS else ()
    return tuple(found[:CHALLENGES])


def _parse_field(field: str) -> tuple[Challenge, ...]:
    """Return a field's challenges; none where anything in it is wrong."""
    found: list[tuple[str, dict[str, str]]] = []
    takes_parameters = False
    position = _skip(field, 0)
    while position < len(field):
        parameter = _PARAMETER.match(field, position)
        if parameter is not None:
            name, quoted = parameter["name"].lower(), parameter["quoted"]
            if not takes_parameters or name in found[-1][1]:
                return ()
            unescaped = parameter["token"] if quoted is None else _ESCAPED.sub(r"\1", quoted)
            found[-1][1][name] = unescaped
            position = _skip(field, parameter.end())
            continue
        scheme = _SCHEME.match(field, position)
        if scheme is None:
            return ()
        found.append((scheme["scheme"].lower(), {}))
        # What follows a scheme without a comma is its own: a parameter, or else a token68.
        follows = scheme.end() < len(field) and field[scheme.end()] not in " \t,"
        token68 = _TOKEN68.match(field, scheme.end()) if follows else None
        takes_parameters = token68 is None
        if follows and token68 is None and _PARAMETER.match(field, scheme.end()) is None:
            return ()
        position = _skip(field, scheme.end() if token68 is None else token68.end())
    return tuple(Challenge(scheme, tuple(parameters.items())) for scheme, parameters in found)


def _skip(field: str, position: int) -> int:
    between = _BETWEEN.match(field, position)
    return position if between is None else between.end()
