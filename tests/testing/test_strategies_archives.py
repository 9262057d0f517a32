"""Good archives pass the real stages; bad ones are refused as they say; hostile ones do no harm."""

import tarfile
from io import BytesIO
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.result import Result

from pipeline.archive.compression import Decompressor, detect_compression
from pipeline.errors import PipelineError
from pipeline.limits import GIB
from pipeline.testing.images import BadArchive, MadeArchive, Threat
from pipeline.testing.strategies import archives, bad_archives, hostile_archives
from tests.testing.stages import extract, render


@given(archives())
def test_good_archives_are_extracted(made: MadeArchive) -> None:
    extracted = extract(made.content).unwrap()
    assert extracted.manifest == made.manifest
    assert extracted.image_id == made.image_id
    assert extracted.archive.size == len(made.tar)


@given(archives(compressions=("none",)))
def test_good_archives_are_what_other_readers_read(made: MadeArchive) -> None:
    with tarfile.open(fileobj=BytesIO(made.content)) as archive:
        manifest = archive.extractfile("manifest")
        assert manifest is not None
        assert manifest.read() == made.manifest.raw
        assert "rootfs" in archive.getnames()


@settings(deadline=None)
@given(archives())
def test_good_archives_are_rendered(made: MadeArchive) -> None:
    assert is_successful(render(made.tar))


@pytest.mark.parametrize("threat", get_args(Threat))
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_bad_archives_are_refused_as_they_say(threat: Threat, data: st.DataObject) -> None:
    bad = data.draw(bad_archives(threats=(threat,)))
    assert bad.threat == threat
    outcome: Result[object, PipelineError] = extract(bad.content)
    if bad.refused_by == "render":
        assert is_successful(outcome)
        outcome = render(extracted_tar(bad))
    assert not is_successful(outcome)
    assert outcome.failure().kind == bad.kind


def extracted_tar(bad: BadArchive) -> bytes:
    """Return the bytes that the tree is rendered from."""

    decompressor = Decompressor(detect_compression(bad.content).unwrap(), max_bytes=GIB)
    return b"".join(piece.unwrap() for piece in decompressor.feed(bad.content))


@settings(deadline=None)
@given(hostile_archives())
def test_hostile_archives_do_no_harm(tar: bytes) -> None:
    render(tar)
