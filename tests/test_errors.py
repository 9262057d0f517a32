"""The errors are one closed union, and each says what was got, what was wanted, what to do."""

import dataclasses
import re
from datetime import UTC, datetime
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from pipeline import errors
from pipeline.addresses import AddressScope
from pipeline.digest import Digest
from pipeline.exit_codes import ExitCode
from pipeline.names import parse_image_name
from pipeline.trust import Fingerprint

MEMBERS: tuple[Any, ...] = get_args(errors.PipelineError)
EVIL = "evil\x1b[2J\u202e\nname"

FAMILIES = {
    errors.ParseError: ExitCode.REFERENCE,
    errors.DiscoveryError: ExitCode.DISCOVERY,
    errors.DownloadError: ExitCode.DOWNLOAD,
    errors.VerificationError: ExitCode.VERIFICATION,
    errors.ImageError: ExitCode.IMAGE,
    errors.StoreError: ExitCode.STORE,
    errors.ConfigurationError: ExitCode.CONFIGURATION,
    errors.OutputError: ExitCode.OUTPUT,
    errors.MirrorError: ExitCode.MIRROR,
}


def _sample(hint: Any) -> Any:
    """Make a value of a field's type, as nasty as text can be."""
    samples: dict[Any, Any] = {
        bool: True,
        int: 3,
        float: 1.5,
        str: EVIL,
        Digest: Digest("sha512", "0" * 128),
        Fingerprint: Fingerprint("a" * 40),
        datetime: datetime(2026, 1, 1, tzinfo=UTC),
        AddressScope: AddressScope.PUBLIC,
    }
    if hint in samples:
        return samples[hint]
    if hasattr(hint, "__supertype__"):
        return EVIL
    if get_origin(hint) is tuple:
        return (_sample(get_args(hint)[0]),)
    if dataclasses.is_dataclass(hint):
        return _make(hint)
    arguments = [argument for argument in get_args(hint) if argument is not type(None)]
    return _sample(arguments[0]) if not isinstance(arguments[0], str) else arguments[0]


def _make(error: Any) -> Any:
    hints = get_type_hints(error, vars(errors) | vars(errors.download))
    return error(**{field.name: _sample(hints[field.name]) for field in dataclasses.fields(error)})


@pytest.mark.parametrize("error", MEMBERS, ids=lambda error: error.__name__)
class TestEveryError:
    """Whatever is wrong, a person can act on what is said."""

    def test_is_a_frozen_value(self, error: Any) -> None:
        assert error.__dataclass_params__.frozen
        assert _make(error) == _make(error)

    def test_kind_is_the_name_in_kebab_case(self, error: Any) -> None:
        words = re.findall(r"ID|[A-Z][a-z]+|[A-Z]+(?=[A-Z])", error.__name__)
        assert error.kind == "-".join(word.lower() for word in words)

    def test_says_what_and_what_to_do(self, error: Any) -> None:
        value = _make(error)
        assert len(value.message) > 15
        assert len(value.hint) > 10

    def test_escapes_text_from_outside(self, error: Any) -> None:
        value = _make(error)
        for text in (value.message, value.hint):
            assert "\x1b" not in text
            assert "\u202e" not in text
            # The only line breaks are those of a list of causes.
            assert all(line.startswith("  ") for line in text.split("\n")[1:])

    def test_is_exported_and_described(self, error: Any) -> None:
        assert error.__name__ in errors.__all__
        assert error.__name__ in (errors.__doc__ or "")


def test_each_family_has_one_exit_code() -> None:
    for family, code in FAMILIES.items():
        members = get_args(family) or (family,)
        assert {member.exit_code for member in members} == {code}
    assert {member.exit_code for member in MEMBERS} == set(ExitCode) - {
        ExitCode.DONE,
        ExitCode.USAGE,
    }


def test_kinds_are_distinct() -> None:
    assert len({member.kind for member in MEMBERS}) == len(MEMBERS)


class TestHints:
    """A hint is right in the situation that its error tells of."""

    def test_unknown_signer_names_the_scope(self) -> None:
        error = errors.UnknownSigner(("ab",), "example.com/app", 0)
        assert "trusted for example.com/app, and there is none" in error.message
        assert "--prefix example.com/app KEYFILE" in error.hint

    def test_unknown_signer_of_an_image_that_was_not_asked_for_by_name(self) -> None:
        assert "--prefix NAME KEYFILE" in errors.UnknownSigner((), "any name", 2).hint

    @pytest.mark.parametrize(
        ("keys", "words"), [(1, "the one key trusted"), (2, "one of the 2 keys trusted")]
    )
    def test_unknown_signer_counts(self, keys: int, words: str) -> None:
        assert words in errors.UnknownSigner((), "any name", keys).message

    def test_a_signature_that_was_not_asked_for(self) -> None:
        cause = errors.InsecureUrl("http://example.com/app.aci.asc")
        assert errors.SignatureUnavailable(cause).hint == cause.hint

    @pytest.mark.parametrize("status", [404, 410])
    def test_a_signature_that_is_not_there(self, status: int) -> None:
        cause = errors.HttpStatus("https://example.com/app.aci.asc", status)
        assert "--signature FILE" in errors.SignatureUnavailable(cause).hint

    @pytest.mark.parametrize("status", [400, 401, 403, 407, 429, 500, 503])
    def test_a_server_that_refuses_or_fails_is_no_reason_to_go_without(self, status: int) -> None:
        cause = errors.HttpStatus("https://example.com/app.aci.asc", status)
        assert errors.SignatureUnavailable(cause).hint == cause.hint
        assert "--insecure-options" not in cause.hint

    @pytest.mark.parametrize(
        ("status", "words"),
        [(401, "auth.d"), (403, "--netrc"), (400, "check the address"), (503, "try again later")],
    )
    def test_what_to_do_about_a_status(self, status: int, words: str) -> None:
        assert words in errors.HttpStatus("https://example.com/app.aci", status).hint

    def test_discovery_where_no_server_proved_its_name(self) -> None:
        cause = errors.TlsFailed("https://example.com", "unknown authority")
        name = parse_image_name("example.com").unwrap()
        assert errors.DiscoveryFailed(name, "image", (cause,)).hint == cause.hint

    def test_a_key_that_was_refused(self) -> None:
        refused = errors.KeyNotReviewed("none was approved", is_refused=True)
        assert "--skip-fingerprint-review" not in refused.hint
