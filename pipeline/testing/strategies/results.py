"""What stages pass on, from ``Downloaded`` to ``Stored``; the parts of a value agree.

A blob's size is that of what it holds, evidence is for the reference, an OCI image's contents are
those of its manifest. But no blob lies in any quarantine, and no signature proves anything: to run
a real stage, put a file there (:func:`pipeline.testing.put_into`) and use :mod:`.signatures`.
"""

from hypothesis import strategies as st

from pipeline.ports import RemoteEntry
from pipeline.results import (
    Downloaded,
    Evidence,
    Expectations,
    Extracted,
    OciImage,
    Stored,
    Unchanged,
    Unsigned,
    Unverified,
    Verified,
)
from pipeline.storage import describe
from pipeline.testing.oci import digest_of
from pipeline.testing.strategies.appc_manifests import image_manifests
from pipeline.testing.strategies.evidence import (
    OciParts,
    oci_parts,
    quarantined_blobs,
    signed_evidence,
)
from pipeline.testing.strategies.locations import candidates, expectations, places
from pipeline.testing.strategies.oci import oci_configs
from pipeline.testing.strategies.reference_kinds import appc_references, archive_references
from pipeline.testing.strategies.text import digests, texts, times
from pipeline.testing.strategies.transport import freshnesses, validators
from pipeline.testing.strategies.trust import any_signers, decisions, signers


def downloaded() -> st.SearchStrategy[Downloaded]:
    """Images as they travelled, archives and OCI images, signed and not."""
    return _archives() | oci_parts().flatmap(_downloaded_oci)


def verified() -> st.SearchStrategy[Verified]:
    """Downloaded images whose signers are proven, at least one."""
    by_archive = st.lists(signers(), min_size=1, max_size=2).map(tuple)
    of_archive = st.builds(Verified, _archives(signed=True), by_archive)
    by_oci = st.lists(any_signers(), min_size=1, max_size=2).map(tuple)
    of_oci = st.builds(Verified, oci_parts().flatmap(_downloaded_oci), by_oci, decisions())
    return of_archive | of_oci


def unverified() -> st.SearchStrategy[Unverified]:
    """Downloaded images that go on unproven."""
    return st.builds(Unverified, downloaded(), texts(min_size=1), decisions())


def unchanged() -> st.SearchStrategy[Unchanged]:
    """Images that still stand."""
    return st.builds(Unchanged, places(), validators(), freshnesses())


def oci_images() -> st.SearchStrategy[OciImage]:
    """What OCI images say about themselves."""
    return st.builds(lambda parts, config: parts.image(config), oci_parts(), oci_configs())


def extracted() -> st.SearchStrategy[Extracted]:
    """Images that were read whole, archives and OCI images, proven and not."""
    of_archive = st.builds(
        Extracted,
        st.builds(Verified, _archives(signed=True), st.tuples(signers()))
        | st.builds(Unverified, _archives(), texts(min_size=1)),
        image_manifests(),
        digests(algorithm="sha512"),
        quarantined_blobs(),
    )

    def of_oci(parts: OciParts) -> st.SearchStrategy[Extracted]:
        origin = st.builds(
            Verified, _downloaded_oci(parts), st.tuples(any_signers()), decisions()
        ) | st.builds(Unverified, _downloaded_oci(parts), texts(min_size=1), decisions())
        return st.builds(
            lambda proven, config: Extracted(
                proven,
                parts.image(config),
                digest_of(parts.manifest.raw),
                parts.blob,
                parts.contents,
            ),
            origin,
            oci_configs(),
        )

    return of_archive | oci_parts().flatmap(of_oci)


def stored() -> st.SearchStrategy[Stored]:
    """Images in some store, as a store remembers them."""
    return st.builds(describe, extracted(), times())


def remote_entries() -> st.SearchStrategy[RemoteEntry]:
    """What a store remembers of a URL."""
    return st.builds(
        lambda image, kept, fresh: RemoteEntry(image.source, image, kept, fresh),
        stored(),
        validators(),
        freshnesses(),
    )


def _archives(*, signed: bool = False) -> st.SearchStrategy[Downloaded]:
    evidence: st.SearchStrategy[Evidence] = signed_evidence()
    if not signed:
        evidence |= st.builds(Unsigned)
    return st.builds(
        Downloaded,
        appc_references() | archive_references(),
        expectations(),
        candidates(),
        quarantined_blobs(),
        evidence,
        validators(),
        freshnesses(),
    )


def _downloaded_oci(parts: OciParts) -> st.SearchStrategy[Downloaded]:
    return st.builds(
        lambda kept, fresh: Downloaded(
            parts.reference,
            Expectations(),
            parts.source,
            parts.blob,
            parts.evidence,
            kept,
            fresh,
            parts.manifest.media_type,
            digest_of(parts.manifest.raw),
            parts.contents,
        ),
        validators(),
        freshnesses(),
    )
