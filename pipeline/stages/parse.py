"""The first stage: what a user typed, as one of five kinds of reference.

    parse_reference: str -> Reference | InvalidReference, UnsupportedReference

It decides which kind a text is, by rkt's order of rules, and leaves the text to that kind's
grammar. It asks whether a file exists and never opens one; it fetches nothing.

Source: rkt 1.30.0 ``rkt fetch`` (``Documentation/subcommands/fetch.md``); where rkt is wrong
this differs, and ``docs/differences-from-rkt.md`` says how.
"""

import re
from functools import partial
from typing import Final
from urllib.parse import unquote_plus

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import InvalidReference, ParseError, UnsupportedReference
from pipeline.limits import REFERENCE_CHARACTERS
from pipeline.ports import PathProbe
from pipeline.reference import (
    CONTROL,
    IMAGE_ID_PREFIXES,
    IMAGE_SUFFIX,
    SURROGATE,
    ArchiveReference,
    ImageIDReference,
    Reference,
    ReferenceProblem,
    file_url,
    looks_like_path,
)
from pipeline.reference.archive_url import parse_archive_url
from pipeline.reference.docker import parse_docker_reference
from pipeline.reference.grammar import parse_app_string, parse_cimd, parse_image_id
from pipeline.reference.image_path import KINDS, parse_image_path
from pipeline.stage import Stage
from pipeline.text import redact_url

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_URL: Final = re.compile(r"[^/:,]+://")
_WITH_DIGEST: Final = re.compile(r"docker://[^@?]*@sha[0-9]+[:-][0-9A-Za-z]*", re.IGNORECASE)
_NO_BYTE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def parse_reference(paths: PathProbe) -> Stage[str, Reference, ParseError]:
    """Make the stage that reads a reference; ``paths`` says what is a file.

    >>> from pipeline.testing.fakes import MemoryPaths
    >>> parse_reference(MemoryPaths())("example.com/app:1.0").unwrap().string
    'example.com/app:1.0'
    """
    return Stage("parse", partial(_run, paths))


def _run(paths: PathProbe, untrusted_text: str) -> Result[Reference, ParseError]:
    # 1. Nothing is looked at that could not be shown: not too long, no control characters.
    problem = _find_unshowable(untrusted_text)
    if problem is not None:
        return Failure(_invalid(untrusted_text, problem))
    # 2. A URL of a scheme that nobody here speaks is not taken for a name and its version.
    unknown = _find_unknown_scheme(untrusted_text)
    if unknown is not None:
        return Failure(unknown)
    outcome = _parse_by_kind(paths, untrusted_text)
    if not is_successful(outcome):
        return Failure(_invalid(untrusted_text, outcome.failure()))
    reference = outcome.unwrap()
    # 3. Escapes make the canonical forms longer than the text; they must be readable again.
    longest = reference.string if isinstance(reference, ImageIDReference) else reference.cimd
    if len(longest) > REFERENCE_CHARACTERS:
        return Failure(_invalid(untrusted_text, _too_long(f"{len(longest)} with escapes")))
    return Success(reference)


def _parse_by_kind(paths: PathProbe, text: str) -> Result[Reference, ReferenceProblem]:
    """Apply rkt's rules, the first that fits: ID, scheme, path, file that exists, name."""
    if text.startswith(IMAGE_ID_PREFIXES):
        return parse_image_id(text)
    scheme = _SCHEME.match(text)
    word = scheme[1].lower() if scheme else ""
    if word in {"file", "http", "https"}:
        return parse_archive_url(text)
    if word == "docker":
        start = len("docker://") if text[len("docker:") :].startswith("//") else len("docker:")
        docker = parse_docker_reference(text[start:])
        return docker.alt(lambda problem: problem.shifted(start))
    if word in KINDS:
        start = len(word) + 1
        found = parse_image_path(KINDS[word], text[start:], paths.absolute)
        return found.alt(lambda problem: problem.shifted(start))
    if word == "cimd":
        return parse_cimd(text)
    if not scheme and text and (looks_like_path(text) or paths.is_file(text)):
        return _parse_path(paths, text)
    return parse_app_string(text)


def _parse_path(paths: PathProbe, text: str) -> Result[Reference, ReferenceProblem]:
    path = paths.absolute(text)
    if CONTROL.search(path) is not None:
        wanted = "wanted no control character in the name of the current folder"
        return Failure(ReferenceProblem(wanted, "rename the folder, or give an absolute path"))
    if not path.endswith(IMAGE_SUFFIX):
        return Failure(
            ReferenceProblem(
                f'wanted a path that ends in "{IMAGE_SUFFIX}"',
                "rename the file, or write cimd:aci-archive:v=0: and its escaped file: URL",
            )
        )
    return Success(ArchiveReference(file_url(path)))


def _find_unshowable(text: str) -> ReferenceProblem | None:
    if len(text) > REFERENCE_CHARACTERS:
        return _too_long(str(len(text)), REFERENCE_CHARACTERS)
    control = CONTROL.search(text)
    if control is not None:
        return ReferenceProblem(
            "wanted no control character", "type the reference anew", control.start()
        )
    # File names may be any bytes: those that are no text come as \udc80 to \udcff (PEP 383).
    stray = (_NO_BYTE if looks_like_path(text) else SURROGATE).search(text)
    if stray is not None:
        wanted = "wanted text in UTF-8"
        return ReferenceProblem(wanted, "check the terminal's encoding", stray.start())
    return None


def _find_unknown_scheme(text: str) -> UnsupportedReference | None:
    scheme = _URL.match(text)
    word = scheme[0].removesuffix("://").lower() if scheme else "https"
    if word in {"file", "http", "https", "docker"}:
        return None
    return UnsupportedReference(
        shown_reference(text),
        f'the scheme "{word}" is none of file, http, https and docker',
        "give the image's path, its https: URL or its name",
    )


def _too_long(got: str, position: int | None = None) -> ReferenceProblem:
    return ReferenceProblem(
        f"wanted at most {REFERENCE_CHARACTERS} characters, got {got}",
        "give the image's path, URL, name, docker:// reference or ID",
        position,
    )


def _invalid(untrusted_text: str, problem: ReferenceProblem) -> InvalidReference:
    shown = shown_reference(untrusted_text)
    position = problem.position if shown == untrusted_text else None
    return InvalidReference(shown, problem.wanted, problem.advice, position)


def shown_reference(untrusted_text: str) -> str:
    """Return the text without what may be secret in it: user info and query values of a URL."""
    plain = (
        unquote_plus(untrusted_text) if untrusted_text[:5].lower() == "cimd:" else untrusted_text
    )
    start = _URL.search(plain)
    if start is None or not {"@", "?"} & set(plain) or _WITH_DIGEST.fullmatch(plain):
        return untrusted_text
    return plain[: start.start()] + redact_url(plain[start.start() :])
