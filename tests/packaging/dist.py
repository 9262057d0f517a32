"""``make dist``: wheel, sdist and bill of materials into ``dist/``; prints sizes and times.

Times are medians of separate processes in a clean environment, whose modules are compiled.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.packaging.sbom import write_sbom
from tests.packaging.wheels import LOCK, ROOT, build, make_environment, run

ROUNDS = 9
SLOWEST = 10


def main() -> None:
    """Build, measure and print."""
    with tempfile.TemporaryDirectory(prefix="image-pipeline-") as name:
        folder = Path(name)
        wheel = build("wheel", ROOT, folder / "wheel")
        sdist = build("sdist", ROOT, folder / "sdist")
        python = make_environment(folder / "environment", Path(sys.executable), LOCK, wheel)
        bill = folder / f"{wheel.name.removesuffix('-py3-none-any.whl')}.cdx.json"
        write_sbom(python, bill)
        (ROOT / "dist").mkdir(exist_ok=True)
        for each in (wheel, sdist, bill):
            print(f"{each.stat().st_size / 1024:>8.0f} KiB  dist/{each.name}")
            shutil.copy(each, ROOT / "dist")
        program = python.parent / "image-pipeline"
        nothing, package = (python, "-c", ""), (python, "-c", "import pipeline")
        fetcher = (python, "-c", "import pipeline; pipeline.Fetcher")
        for label, command in {
            "python, that does nothing": nothing,
            "import pipeline": package,
            "pipeline.Fetcher, first used": fetcher,
            "image-pipeline --help": (program, "--help"),
        }.items():
            print(f"{_median_milliseconds(*command):>8.0f} ms   {label}")
        print(f"\nWhat takes longest to import of {fetcher[-1]!r}, python -X importtime:")
        print("    self us   with what it imports")
        told = run(python, "-X", "importtime", *fetcher[1:], folder=folder).splitlines()[1:]
        for line in sorted(told, key=_self_microseconds, reverse=True)[:SLOWEST]:
            print(line.removeprefix("import time:"))


def _median_milliseconds(*command: str | Path) -> float:
    run(*command, folder=Path("/"))
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        run(*command, folder=Path("/"))
        taken.append(time.perf_counter() - begun)
    return 1000 * statistics.median(taken)


def _self_microseconds(line: str) -> int:
    return int(line.removeprefix("import time:").split("|")[0])


if __name__ == "__main__":
    main()
