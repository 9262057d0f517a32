"""``image-pipeline trust``: whose signatures count, and for which image names."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar, final

import click
from returns.pipeline import is_successful

from pipeline.cli import key_output
from pipeline.cli.context import Context, is_terminal, pass_context
from pipeline.cli.options import Group, complete_path
from pipeline.cli.output import table
from pipeline.errors import InvalidKey, InvalidPrefix, KeyNotFound
from pipeline.names import ImageName, parse_image_name
from pipeline.recipes.settings import Insecure
from pipeline.recipes.trust import (
    KeyCandidate,
    TrustPolicy,
    collect_keys,
    is_online,
    trust_keys,
)
from pipeline.text import printable
from pipeline.trust import Fingerprint, KeyEntry, KeyInfo, parse_fingerprint

if TYPE_CHECKING:
    from pipeline.adapters.keystore import KeystoreFile
    from pipeline.recipes.toolkit import Toolkit

HEADER = ("FINGERPRINT", "NAMES", "KEYSTORE", "STATE", "USER ID")

Command = TypeVar("Command", bound=Callable[..., object])


def scope_options(command: Command) -> Command:
    """Add ``--prefix`` and ``--root``; :func:`chosen_scope` reads them."""
    root = click.option("--root", is_flag=True, help="For every image, whatever its name.")
    prefix = click.option("--prefix", metavar="NAME", help="For NAME and all names under it.")
    return prefix(root(command))


def chosen_scope(context: Context, prefix: str | None, root: bool) -> ImageName | None:
    """Return the prefix, None for root; exactly one of the two must be given."""
    if (prefix is not None) == root:
        raise click.UsageError("wanted either --prefix NAME or --root")
    if prefix is None:
        return None
    name = parse_image_name(prefix)
    if not is_successful(name):
        context.fail(InvalidPrefix(prefix, name.failure()))
    return name.unwrap()


def chosen_fingerprint(untrusted_text: str) -> Fingerprint:
    """Return a fingerprint, or fail as a usage error."""
    fingerprint = parse_fingerprint(untrusted_text)
    if not is_successful(fingerprint):
        raise click.UsageError(f"{untrusted_text!r}: {fingerprint.failure()}")
    return fingerprint.unwrap()


@click.group(cls=Group)
def trust() -> None:
    """Say whose signatures count, and for which image names."""


@trust.command("add")
@click.argument("sources", nargs=-1, metavar="[KEY…]", shell_complete=complete_path)
@scope_options
@click.option(
    "--skip-fingerprint-review", is_flag=True, help="Trust the keys without showing them first."
)
@click.option(
    "--trust-keys-from-https",
    is_flag=True,
    help="Trust keys that come over https without asking; the others are still reviewed.",
)
@pass_context
def add(
    context: Context,
    sources: tuple[str, ...],
    prefix: str | None,
    root: bool,
    skip_fingerprint_review: bool,
    trust_keys_from_https: bool,
) -> None:
    """Trust keys, and print a line each: fingerprint, TAB, names.

    KEY is a file or URL of OpenPGP public keys. Without one, the keys that NAME's site publishes
    are looked up. Each key is shown and asked about on the terminal before it is trusted.
    """
    scope = chosen_scope(context, prefix, root)
    if root and not sources:
        raise click.UsageError("--root wants a KEY: keys for all names cannot be looked up")
    insecure = context.settings.insecure
    policy = TrustPolicy(
        skip_fingerprint_review=skip_fingerprint_review,
        trust_keys_from_https=trust_keys_from_https,
        allow_http_keys=Insecure.PUBKEY in insecure,
        insecure_discovery=bool(insecure & {Insecure.HTTP, Insecure.PUBKEY}),
        insecure_tls=Insecure.TLS in insecure,
    )
    if policy.allow_http_keys:
        # The transport knows one word for plain http; what may use it here are keys alone.
        settings = replace(context.settings, insecure=insecure | {Insecure.HTTP})
        context = replace(context, settings=settings)
    with context.toolkit() as toolkit:
        candidates = _collect(context, toolkit, sources, scope, policy)
        outcome = context.unwrap(
            trust_keys(
                candidates,
                scope,
                keystore=toolkit.keystore,
                reviewer=None if context.talk.as_json or not is_terminal() else TerminalReviewer(),
                policy=policy,
            )
        )
    by_fingerprint = {candidate.key.fingerprint: candidate for candidate in candidates}
    for entry in outcome.trusted:
        context.say(f"trusted {key_output.key_summary(by_fingerprint[entry.fingerprint])}")
    for rejected in outcome.rejected:
        summary = key_output.key_summary(rejected.candidate)
        context.warn(f"not trusted, since {rejected.reason}: {summary}")
    for entry in outcome.trusted:
        context.data(key_output.entry_line(entry))


@final
@dataclass(frozen=True, slots=True)
class TerminalReviewer:
    """A :class:`~pipeline.recipes.trust.Reviewer`: shows a key and asks; no is the default."""

    def approve(self, candidate: KeyCandidate, prefix: ImageName | None) -> bool:
        """Show the key on stderr, and ask there."""
        lines = key_output.key_lines(candidate.key, candidate.source)
        names = key_output.ALL_NAMES if prefix is None else f"{prefix} and names under it"
        click.echo("\n".join(lines), err=True)
        return click.confirm(f"Trust this key for {names}?", default=False, err=True)


@trust.command("list", short_help="List keys and masks, in the order in which they are read.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document a file.")
@click.option("--no-legend", is_flag=True, help="Leave the header out.")
@pass_context
def list_keys(context: Context, as_json: bool, no_legend: bool) -> None:
    """List the keys and masks of both keystores, in the order in which they are read.

    Of several lines on one key, the last whose NAMES cover an image counts for it.
    """
    rows: list[tuple[str, ...]] = []
    with context.toolkit() as toolkit:
        listing = toolkit.keystore.entries()
        for skipped in listing.skipped:
            context.warn(f"left out {printable(skipped.path)}: {printable(skipped.reason)}")
        for file in listing.files:
            key, problem = _check(toolkit, file)
            user_ids = () if key is None else key.user_ids
            if problem is not None:
                context.warn(f"{printable(file.entry.path)}: {printable(problem)}")
            if as_json:
                context.json(key_output.file_document(file, user_ids, problem))
            entry = file.entry
            scope = key_output.scope_name(entry.prefix)
            state = key_output.file_state(file, problem)
            shown = printable(user_ids[0]) if user_ids else "-"
            rows.append((entry.fingerprint.hex, scope, entry.origin, state, shown))
    if as_json:
        return
    if not rows:
        context.say("no keys are trusted")
        return
    for line in table(HEADER, rows)[1 if no_legend else 0 :]:
        context.data(line)


@trust.command("remove", short_help="Take a key of yours away.")
@click.argument("fingerprint")
@scope_options
@click.option("--all", "everywhere", is_flag=True, help="For root and for every prefix.")
@pass_context
def remove(
    context: Context, fingerprint: str, prefix: str | None, root: bool, everywhere: bool
) -> None:
    """Take a key of yours away, and print a line for each file: fingerprint, TAB, names.

    The machine's keys and your masks stay as they are: see `trust mask`.
    """
    sought = chosen_fingerprint(fingerprint)
    if everywhere and (root or prefix is not None):
        raise click.UsageError("--all goes without --prefix and --root")
    scope = None if everywhere else chosen_scope(context, prefix, root)
    with context.toolkit() as toolkit:
        if everywhere:
            removed = context.unwrap(toolkit.keystore.remove_everywhere(sought))
        else:
            removed = (context.unwrap(toolkit.keystore.remove(sought, scope)),)
        _print_taken_away(context, toolkit, removed, sought, scope)


@trust.command("mask")
@click.argument("fingerprint")
@scope_options
@click.option("--undo", is_flag=True, help="Take the mask away.")
@pass_context
def mask(context: Context, fingerprint: str, prefix: str | None, root: bool, undo: bool) -> None:
    """Let a key not count, also where the machine's keystore trusts it.

    Prints fingerprint, TAB, names. A key of yours for exactly these names is replaced.
    """
    sought = chosen_fingerprint(fingerprint)
    scope = chosen_scope(context, prefix, root)
    with context.toolkit() as toolkit:
        if undo:
            entry = context.unwrap(toolkit.keystore.unmask(sought, scope))
            context.data(key_output.entry_line(entry))
        else:
            entry = context.unwrap(toolkit.keystore.mask(sought, scope))
            _print_taken_away(context, toolkit, (entry,), sought, scope)


@trust.command("show", short_help="Show a key, trusting none.")
@click.argument("what", metavar="FINGERPRINT|FILE")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document a key.")
@pass_context
def show(context: Context, what: str, as_json: bool) -> None:
    """Show what is known of a key of the keystore, or of the keys in a file, trusting none.

    40 hex digits are a fingerprint; a file of that name is written ./NAME.
    """
    fingerprint = parse_fingerprint(what)
    with context.toolkit() as toolkit:
        if is_successful(fingerprint):
            shown = _keys_of_keystore(context, toolkit, fingerprint.unwrap())
        else:
            found = _collect(context, toolkit, (what,), None, TrustPolicy())
            shown = [(candidate.key, candidate.source) for candidate in found]
    for key, source in shown:
        if as_json:
            context.json(key_output.key_document(key) | {"source": source})
        else:
            context.data("\n".join(key_output.key_lines(key, source)))


def _collect(
    context: Context,
    toolkit: "Toolkit",
    sources: tuple[str, ...],
    scope: ImageName | None,
    policy: TrustPolicy,
) -> tuple[KeyCandidate, ...]:
    from pipeline.adapters.openpgp import read_keys

    if not sources or any(is_online(source) for source in sources):
        context.unwrap(toolkit.web.prepare())
    return context.unwrap(
        collect_keys(
            sources,
            scope,
            transport=toolkit.transport,
            discovery=toolkit.discovery(),
            paths=toolkit.paths,
            read_keys=read_keys,
            clock=toolkit.clock,
            policy=policy,
        )
    )


def _check(toolkit: "Toolkit", file: "KeystoreFile") -> tuple[KeyInfo | None, str | None]:
    """Return the key that a file is named by, and why it proves nothing, where that is so."""
    from pipeline.adapters.openpgp import read_keys

    if file.is_mask:
        return None, None
    keys = read_keys(file.keyring, toolkit.clock.now())
    if not is_successful(keys):
        return None, keys.failure()
    for key in keys.unwrap():
        if key.fingerprint == file.entry.fingerprint:
            return key, key.problem
    return None, "it does not hold the key that it is named by"


def _keys_of_keystore(
    context: Context, toolkit: "Toolkit", fingerprint: Fingerprint
) -> list[tuple[KeyInfo, str]]:
    """Return the key of each file of that name which holds it."""
    shown: list[tuple[KeyInfo, str]] = []
    for file in toolkit.keystore.entries().files:
        if file.entry.fingerprint == fingerprint and not file.is_mask:
            key, problem = _check(toolkit, file)
            if key is None:
                context.report(InvalidKey(file.entry.path, problem or ""))
            else:
                shown.append((key, file.entry.path))
    if not shown:
        context.fail(KeyNotFound(str(fingerprint)))
    return shown


def _print_taken_away(
    context: Context,
    toolkit: "Toolkit",
    entries: tuple[KeyEntry, ...],
    fingerprint: Fingerprint,
    scope: ImageName | None,
) -> None:
    """Print what was changed, and warn of what still lets the key speak."""
    for entry in entries:
        context.data(key_output.entry_line(entry))
    for still in context.unwrap(toolkit.keystore.still_trusted(fingerprint, scope)):
        names = key_output.scope_name(still.prefix)
        context.warn(f"the key still counts for {names}: {printable(still.path)}")
