"""Blobs in quarantine, what may prove an image, and what a stored one was proven by.

The parts of a value agree; nothing here proves anything: that is :mod:`.signatures`.
"""

from dataclasses import dataclass
from typing import final

from hypothesis import strategies as st

from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.oci import OciConfig, OciManifest
from pipeline.reference import DockerReference, ImagePathReference
from pipeline.reference.image_path import image_name_of, image_tag_of
from pipeline.results import (
    Content,
    FoundSignature,
    ImagePathPlace,
    LoadedImage,
    ManifestEvidence,
    ManifestProof,
    NoProof,
    OciImage,
    QuarantinedBlob,
    RegistryPlace,
    SignatureProof,
    Signed,
)
from pipeline.testing.oci import describe_blob, digest_of, make_oci_index
from pipeline.testing.strategies.locations import image_path_places, registry_places
from pipeline.testing.strategies.oci import descriptors, oci_manifests
from pipeline.testing.strategies.text import digests, texts
from pipeline.testing.strategies.trust import any_signers, decisions, signed_digests, signers


def quarantined_blobs(*, size: int | None = None) -> st.SearchStrategy[QuarantinedBlob]:
    """Names of files in some quarantine."""
    keys = st.from_regex(r"[0-9]{1,2}/(?:archive|layer|manifest)-[0-9]{1,3}", fullmatch=True)
    return st.builds(
        QuarantinedBlob, keys, st.integers(0, 2**40) if size is None else st.just(size)
    )


def contents() -> st.SearchStrategy[Content]:
    """Parts of OCI images in some quarantine, as large as they should be."""
    return descriptors().flatmap(
        lambda descriptor: st.builds(
            Content, st.just(descriptor), quarantined_blobs(size=descriptor.size)
        )
    )


def signed_evidence() -> st.SearchStrategy[Signed]:
    """Detached signatures that prove nothing, with digests."""
    found = st.lists(signed_digests(), min_size=1, max_size=2).map(tuple)
    return st.builds(Signed, st.binary(min_size=1, max_size=40), found)


def found_signatures() -> st.SearchStrategy[FoundSignature]:
    """Signatures of registry images that prove nothing."""
    content = st.binary(max_size=40)
    return st.one_of(
        st.builds(FoundSignature, st.just("simple"), digests(), content),
        st.builds(FoundSignature, st.just("sigstore"), digests(), content, content),
    )


def manifest_evidence() -> st.SearchStrategy[ManifestEvidence]:
    """What may prove an OCI image, and proves nothing: its documents lead to its manifest."""
    return oci_parts().map(lambda parts: parts.evidence)


def loaded_images() -> st.SearchStrategy[LoadedImage]:
    """OCI images as they were found in files."""

    def make(parts: "OciParts") -> LoadedImage:
        media_type = parts.manifest.media_type
        return LoadedImage(
            parts.evidence.documents,
            parts.blob,
            digest_of(parts.manifest.raw),
            media_type,
            parts.contents,
        )

    return oci_parts().map(make)


def signature_proofs() -> st.SearchStrategy[SignatureProof]:
    """What a stored archive was proven by."""
    return st.builds(
        lambda by, evidence: SignatureProof(by, evidence.unverified_signature, evidence.digests),
        st.lists(signers(), min_size=1, max_size=2).map(tuple),
        signed_evidence(),
    )


def manifest_proofs() -> st.SearchStrategy[ManifestProof]:
    """What a stored OCI image was proven by."""
    by = st.lists(any_signers(), min_size=1, max_size=2).map(tuple)
    return st.builds(ManifestProof, by, decisions(), manifest_evidence())


def no_proofs() -> st.SearchStrategy[NoProof]:
    """Reasons why a stored image was never verified."""
    return st.builds(NoProof, texts(min_size=1), st.just("") | texts(min_size=1))


@final
@dataclass(frozen=True, slots=True)
class OciParts:
    """An OCI image's place, manifest, evidence and blobs, which agree."""

    source: RegistryPlace | ImagePathPlace
    reference: DockerReference | ImagePathReference
    manifest: OciManifest
    evidence: ManifestEvidence
    blob: QuarantinedBlob
    contents: tuple[Content, ...]

    def image(self, config: OciConfig) -> OciImage:
        """Return what the image says, by the name and tag that were asked for."""
        reference = self.reference
        tag = reference.tag if isinstance(reference, DockerReference) else image_tag_of(reference)
        labels = () if tag is None else (Label(LabelName("version"), tag),)
        return OciImage(_name_of(reference), Labels(labels), self.manifest, config)


def oci_parts() -> st.SearchStrategy[OciParts]:
    """Parts of OCI images, by registry or from files."""

    def make(
        place: RegistryPlace | ImagePathPlace,
        manifest: OciManifest,
        by_index: bool,
        found: list[FoundSignature],
    ) -> OciParts:
        reference = place.reference
        asked = reference.subject if isinstance(reference, DockerReference) else reference.string
        described = describe_blob(manifest.media_type, manifest.raw)
        index = (make_oci_index([(described, place.platform)]),) if by_index else ()
        evidence = ManifestEvidence(asked, (*index, manifest.raw), tuple(found))
        blob = QuarantinedBlob("0/manifest-0", len(manifest.raw))
        parts = tuple(
            Content(each, QuarantinedBlob(f"0/layer-{number}", each.size))
            for number, each in enumerate(manifest.blobs, 1)
        )
        return OciParts(place, reference, manifest, evidence, blob, parts)

    return st.builds(
        make,
        registry_places() | image_path_places(),
        oci_manifests(),
        st.booleans(),
        st.lists(found_signatures(), max_size=2),
    )


def _name_of(reference: DockerReference | ImagePathReference) -> ImageName:
    if isinstance(reference, DockerReference):
        return reference.image_name
    return image_name_of(reference)
