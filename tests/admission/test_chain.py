"""Documents that lead to an image, by digests of either kind."""

import pytest

from pipeline.admission.chain import digest_of, find_document, leads_to_image
from pipeline.testing.oci import make_image, make_index

IMAGE, OTHER = make_image({"a": b"1"}), make_image({"a": b"2"})
INDEX = make_index(IMAGE)
BY_SHA512 = INDEX.raw.replace(
    str(IMAGE.descriptor.digest).encode(), str(digest_of(IMAGE.raw, "sha512")).encode()
)


@pytest.mark.parametrize("index", [INDEX.raw, BY_SHA512])
def test_an_index_names_the_next(index: bytes) -> None:
    assert leads_to_image((index, IMAGE.raw))
    assert not leads_to_image((index, OTHER.raw))
    assert not leads_to_image((IMAGE.raw, index))


def test_the_last_of_equal_documents_is_found() -> None:
    for algorithm in ("sha256", "sha512"):
        digest = digest_of(IMAGE.raw, algorithm)
        assert find_document((IMAGE.raw, INDEX.raw, IMAGE.raw), digest) == 2
        assert find_document((INDEX.raw,), digest) is None
