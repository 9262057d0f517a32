"""``image-pipeline image list``: what the store holds, as columns or as JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, final

import click

from pipeline.cli import output
from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Command
from pipeline.cli.progress import size
from pipeline.digest import Digest
from pipeline.results import NoProof, Stored
from pipeline.text import printable
from pipeline.trust import Signer

_PAGE: Final = 1000
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@final
@dataclass(frozen=True, slots=True)
class _Row:
    """An image, when it was last used, and when it was last fetched as the latest."""

    stored: Stored
    last_used: datetime | None
    latest: datetime | None


@final
@dataclass(frozen=True, slots=True)
class _Field:
    """A column: its heading, what stands in it (the second argument is ``--full``), its order."""

    heading: str
    cell: Callable[[_Row, bool], str]
    key: Callable[[_Row], str | int | datetime]


FIELDS: Final[Mapping[str, _Field]] = {
    "id": _Field(
        "ID",
        lambda row, full: _shown_id(row.stored.image_id, full=full),
        lambda row: row.stored.image_id.hex,
    ),
    "name": _Field(
        "NAME",
        lambda row, _: output.image_label(row.stored),
        lambda row: output.image_label(row.stored),
    ),
    "labels": _Field(
        "LABELS", lambda row, _: _labels_of(row.stored), lambda row: _labels_of(row.stored)
    ),
    "imported": _Field(
        "IMPORTED",
        lambda row, _: output.timestamp(row.stored.imported_at),
        lambda row: row.stored.imported_at,
    ),
    "last-used": _Field(
        "LAST USED", lambda row, _: _shown_time(row.last_used), lambda row: row.last_used or _NEVER
    ),
    "latest": _Field(
        "LATEST",
        lambda row, _: "no" if row.latest is None else "yes",
        lambda row: row.latest or _NEVER,
    ),
    "size": _Field(
        "SIZE",
        lambda row, _: size(row.stored.archive_bytes),
        lambda row: row.stored.archive_bytes,
    ),
    "signers": _Field(
        "SIGNED BY", lambda row, _: _signers_of(row.stored), lambda row: _signers_of(row.stored)
    ),
    "source": _Field(
        "SOURCE", lambda row, _: printable(row.stored.source), lambda row: row.stored.source
    ),
}
"""The columns that can be asked for, in the order in which --help names them."""

DEFAULT_FIELDS: Final = ("id", "name", "imported", "size", "signers")


class Fields(click.ParamType[tuple[str, ...]]):
    """A comma-separated list of columns."""

    name = "fields"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the columns' names, or fail as a usage error.

        >>> Fields().convert("name,id", None, None)
        ('name', 'id')
        """
        if isinstance(value, tuple):
            return value
        names = tuple(str(value).split(","))
        for name in names:
            if name not in FIELDS:
                wanted = ", ".join(FIELDS)
                self.fail(f'unknown field "{name}", wanted one or more of {wanted}', param, ctx)
        return names


@click.command("list", cls=Command, short_help="List stored images.")
@click.option(
    "--fields",
    type=Fields(),
    default=DEFAULT_FIELDS,
    metavar="NAMES",
    help=f"The columns, comma-separated: {', '.join(FIELDS)}.  "
    f"[default: {','.join(DEFAULT_FIELDS)}]",
)
@click.option(
    "--sort", type=click.Choice(list(FIELDS)), default="imported", help="The field to sort by."
)
@click.option(
    "--order",
    type=click.Choice(["asc", "desc"]),
    help="Which way.  [default: desc for times and sizes, else asc]",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="At most N images, the first ones."
)
@click.option("--full", is_flag=True, help="Print whole image IDs: 128 hex digits.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document an image.")
@click.option("--no-legend", is_flag=True, help="Leave the header out.")
@pass_context
def list_images(
    context: Context,
    fields: tuple[str, ...],
    sort: str,
    order: str | None,
    limit: int | None,
    full: bool,
    as_json: bool,
    no_legend: bool,
) -> None:
    """List stored images, the newest import first.

    --json prints everything that is known of an image, whatever --fields says.
    """
    falls = order == "desc" or (order is None and sort in {"imported", "last-used", "size"})
    # The store has the newest first already, and gives no more than is asked for.
    in_store_order = sort == "imported" and falls
    with context.toolkit() as toolkit:
        store = context.unwrap(toolkit.store())
        images: list[Stored] = []
        while True:
            after = images[-1].image_id if images else None
            left = _PAGE if limit is None or not in_store_order else limit - len(images)
            page = context.unwrap(store.list_page(min(left, _PAGE), after)) if left else ()
            images.extend(page)
            if not page:
                break
        used = context.unwrap(store.uses())
    rows = [_Row(each, *used.get(each.image_id, (None, None))) for each in images]
    if not in_store_order:
        rows.sort(key=FIELDS[sort].key, reverse=falls)
    chosen = rows[:limit]
    if as_json:
        for row in chosen:
            context.json(_document(row))
        return
    if not chosen:
        context.say("no images in the store")
        return
    header = tuple(FIELDS[name].heading for name in fields)
    cells = [tuple(FIELDS[name].cell(row, full) for name in fields) for row in chosen]
    for line in output.table(header, cells)[1 if no_legend else 0 :]:
        context.data(line)


def _document(row: _Row) -> dict[str, object]:
    return output.image_document(row.stored) | {
        "last_used": None if row.last_used is None else output.timestamp(row.last_used),
        "latest": row.latest is not None,
    }


def _shown_id(image_id: Digest, *, full: bool) -> str:
    return image_id.image_id if full else image_id.image_id[: len("sha512-") + 12]


def _shown_time(moment: datetime | None) -> str:
    return "never" if moment is None else output.timestamp(moment)


def _labels_of(stored: Stored) -> str:
    return printable(",".join(f"{label.name}={label.value}" for label in stored.labels.items))


def _signers_of(stored: Stored) -> str:
    if isinstance(stored.provenance, NoProof):
        return "unverified"
    return ", ".join(
        signer.primary.hex[-16:] if isinstance(signer, Signer) else signer.key_sha256[:16]
        for signer in stored.provenance.signers
    )
