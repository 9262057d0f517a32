"""The gate at work, without a network: one image that is on the list, and one that is not."""

from gatehouse.allow_list import allow_names
from gatehouse.answers import by_family
from gatehouse.gate import unproven
from gatehouse.ledger import LedgerStore
from gatehouse.pages import PageTransport
from pipeline import (
    ArchiveReference,
    Candidate,
    Located,
    extract_manifest,
    parse_image_name,
    store_image,
)
from pipeline.adapters import MemoryQuarantine, SystemClock
from pipeline.testing.fakes import StaticKeyring
from pipeline.testing.makers import make_archive, make_manifest


def main() -> None:
    """Try both, and print the answers."""
    clock = SystemClock()
    ledger = LedgerStore(clock)
    quarantine = MemoryQuarantine()
    names = ("example.com/app", "example.com/other")
    pages = {f"https://{name}.aci": make_archive(make_manifest(name)) for name in names}
    let_in = (
        unproven(PageTransport(pages, clock), quarantine, clock)
        >> extract_manifest(quarantine=quarantine, keyring=StaticKeyring())
        >> allow_names(frozenset({parse_image_name(names[0]).unwrap()}))
        >> store_image(store=ledger)
    )
    for url in (*pages, "https://example.com/none.aci"):
        located = Located(ArchiveReference(url), (Candidate(url, f"{url}.asc"),))
        print(by_family(let_in(located)))
    print([entry.name for entry in ledger.entries])


if __name__ == "__main__":
    main()
