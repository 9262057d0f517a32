"""The real stages on what strategies make."""

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.memory import memory_quarantine
from pipeline.adapters.output import UNPRIVILEGED, extract_archive
from pipeline.errors import PipelineError
from pipeline.results import Extracted, Unverified
from pipeline.stages.extract import extract_manifest
from pipeline.testing.fakes import StaticKeyring
from pipeline.testing.images import downloaded_of
from pipeline.testing.samples import put_into


def extract(content: bytes) -> Result[Extracted, PipelineError]:
    """Run the fifth stage on an image that is let through unverified."""
    with memory_quarantine() as quarantine:
        blob = put_into(quarantine, "image", content).unwrap()
        stage = extract_manifest(quarantine=quarantine, keyring=StaticKeyring())
        return stage(Unverified(downloaded_of(blob), "a test needs it"))


def render(tar: bytes) -> Result[object, PipelineError]:
    """Unpack an image, beside a folder in which nothing may change."""
    with TemporaryDirectory() as name:
        beside, target = Path(name, "beside"), Path(name, "work", "tree")
        beside.mkdir()
        target.parent.mkdir()
        (beside / "passwd").write_bytes(b"root")
        (beside / "passwd").chmod(0o600)
        before = (beside / "passwd").stat()
        outcome = extract_archive(
            BytesIO(tar), target, options=UNPRIVILEGED, kind="image", overwrite=False
        )
        assert [path.name for path in beside.iterdir()] == ["passwd"]
        after = (beside / "passwd").stat()
        assert (beside / "passwd").read_bytes() == b"root"
        assert (before.st_mode, before.st_mtime_ns) == (after.st_mode, after.st_mtime_ns)
        assert {path.name for path in Path(name).iterdir()} == {"beside", "work"}
        assert {path.name for path in target.parent.iterdir()} <= {"tree"}
        return outcome if is_successful(outcome) else Failure(outcome.failure())
