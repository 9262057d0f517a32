"""What a store promises of finding images: by prefix, name and labels; the best proof is kept."""

from dataclasses import replace

from returns.pipeline import is_successful

from pipeline.errors import AmbiguousImage
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.testing.conformance.promises import NonConformance, expect, expect_success
from pipeline.testing.conformance.store_bench import Bench, put
from pipeline.testing.samples import NAME, Sample


def check_prefix(bench: Bench) -> None:
    """A unique prefix finds an image, another one tells the candidates."""
    samples = [Sample(content=bytes([number])) for number in range(40)]
    for sample in samples:
        bench.put(sample)
    digits = sorted(sample.image_id.hex for sample in samples)
    for whole in digits:
        for length in (2, 3, 12, 32, 64, 128):
            fitting = [other for other in digits if other.startswith(whole[:length])]
            outcome = bench.store.resolve(whole[:length])
            if len(fitting) == 1:
                found = expect_success(outcome, "resolve a prefix").image_id.hex
                expect(found == whole, f"{whole[:length]} is {whole}, got {found}")
                continue
            error = None if is_successful(outcome) else outcome.failure()
            if not isinstance(error, AmbiguousImage):
                raise NonConformance(f"{whole[:length]} is ambiguous")
            named = [candidate.hex for candidate in error.candidates]
            expect(named == fitting, "an ambiguity names every candidate")
    for bad in ("", digits[0][0], digits[0][:2].upper() + "A", "zz", "%%", digits[0] + "0"):
        bench.not_found(bench.store.resolve(bad), f"{bad!r} resolves to nothing")


def check_find(bench: Bench) -> None:
    """A name and labels find the newest image."""
    one, two = Sample(version="1"), Sample(version="2")
    bench.put(one)
    bench.put(two)
    bench.put(Sample(name=ImageName("example.com/app/more"), version="9"))
    expect(bench.found() == two.image_id, "without labels, the newest import is found")
    expect(bench.found(one.labels) == one.image_id, "labels choose the image")
    for name, value in (("version", "3"), ("version", ""), ("os", "plan9"), ("arch", "amd64")):
        labels = Labels((Label(LabelName(name), value),))
        missed = bench.store.find(NAME, labels)
        bench.not_found(missed, f"a label {name}={value} that no image has finds nothing")
    linux, plan9 = (Labels((Label(LabelName("os"), value),)) for value in ("linux", "plan9"))
    arch = Labels((Label(LabelName("arch"), "amd64"),))
    for defaults in (linux, arch):
        found = expect_success(bench.store.find(NAME, one.labels, defaults), "find").image_id
        expect(found == one.image_id, "a default that the image does not contradict finds it")
    asked = Labels(tuple(label for label in one.labels.items if label.name == "version"))
    missed = bench.store.find(NAME, asked, plan9)
    bench.not_found(missed, "a default that the image contradicts does not find it")
    found = expect_success(bench.store.find(NAME, one.labels, plan9), "find").image_id
    expect(found == one.image_id, "what is asked for goes before a default")
    versions = [image.labels.get("version") for image in bench.listed()]
    expect(versions == ["9", "2", "1"], "a listing has the newest import first")


def check_equal_times(bench: Bench) -> None:
    """The order of commits breaks ties."""
    samples = [Sample(version=str(number)) for number in range(5)]
    for sample in samples:
        expect_success(put(bench.store, sample, bench.clock.now()), "commit")
    listed = [image.image_id for image in bench.listed()]
    wanted = [sample.image_id for sample in reversed(samples)]
    expect(listed == wanted, "of equal times, the later commit goes first")
    expect(bench.found() == wanted[0], "of equal times, the later commit is found")


def check_latest(bench: Bench) -> None:
    """What was fetched without a version is the latest."""
    latest = Sample(version="2", asked_version=None)
    bench.put(latest)
    bench.put(Sample(version="1", asked_version="1"))
    expect(bench.found() == latest.image_id, "what was fetched as the latest goes first")
    bench.put(replace(latest, by_name=False))
    expect(bench.found() == latest.image_id, "a fetch by URL does not end being the latest")
    newer = Sample(version="3", asked_version=None)
    bench.put(newer)
    expect(bench.found() == newer.image_id, "of several latest ones, the last fetched is found")
    bench.put(latest)
    expect(bench.found() == latest.image_id, "one that is the latest again is found again")
    one = Labels((Label(LabelName("version"), "1"),))
    expect(bench.found(one) == Sample(version="1").image_id, "a version goes before the latest")
    bench.put(replace(newer, asked_version="3"))
    linux = Labels((Label(LabelName("os"), "linux"),))
    expect(bench.found(linux) == latest.image_id, "other labels leave the latest rule alone")


def check_provenance(bench: Bench) -> None:
    """The better proof is kept."""
    unsigned, lenient = Sample(), Sample(signers="a", leniency=("weak-hash",))
    by_a, by_b = Sample(signers="a"), Sample(signers="bc")
    for offered, wanted, promise in (
        (unsigned, unsigned, "no proof is kept as such, with its reason"),
        (lenient, lenient, "a proof replaces none"),
        (by_a, by_a, "a strict proof replaces a lenient one"),
        (unsigned, by_a, "no proof never replaces a proof"),
        (lenient, by_a, "a lenient proof never replaces a strict one"),
        (by_b, by_b, "a proof by other signers replaces an equally strong one"),
    ):
        returned = bench.put(offered)
        listed = expect_success(bench.store.resolve(returned.image_id.hex), "resolve")
        expect(returned.provenance == wanted.provenance, f"{promise}, as returned")
        expect(listed.provenance == wanted.provenance, f"{promise}, as kept")
