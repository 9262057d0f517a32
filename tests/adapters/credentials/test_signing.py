"""AWS signatures: the published values, botocore's, and the bytes that really travel."""

import json
from datetime import UTC, datetime
from importlib import import_module
from importlib.resources import files
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.credentials.origins import parse_asked
from pipeline.adapters.credentials.signing import region_of, sign_get
from pipeline.adapters.http.urls import parse_target

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
HOST = "examplebucket.s3.amazonaws.com"

times = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
regions = st.sampled_from(["us-east-1", "eu-west-1", "cn-north-1", "garage"])
authorities = st.sampled_from([HOST, f"{HOST}:443", "minio.example:9000", "[::1]:9000", "[::1]"])
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


def signed(
    url: str,
    now: datetime = datetime(2013, 5, 24, tzinfo=UTC),
    region: str = "us-east-1",
    secret: str = SECRET,
) -> dict[str, str]:
    asked = parse_asked(url).unwrap()
    return dict(
        sign_get(asked, access_key_id=KEY_ID, secret_access_key=secret, region=region, now=now)
    )


def signed_by_botocore(url: str, now: datetime, region: str, secret: str) -> dict[str, str]:
    """Sign with Amazon's own code; ``url`` is spelled as its clients spell URLs."""
    auth: Any = import_module("botocore.auth")
    request = import_module("botocore.awsrequest").AWSRequest("GET", url)
    key = import_module("botocore.credentials").Credentials(KEY_ID, secret)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda *_: now.replace(tzinfo=None))
        auth.S3SigV4Auth(key, "s3", region).add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}


def lowered(fields: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in fields.items()}


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ("lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_published_examples(query: str, signature: str) -> None:
    """Amazon S3 API Reference, "Examples: Signature Calculations"."""
    fields = signed(f"https://{HOST}/?{query}")
    assert fields["x-amz-date"] == "20130524T000000Z"
    assert fields["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20130524/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
    )


@given(
    authority=authorities,
    segments=st.lists(texts, max_size=4),
    parameters=st.lists(st.tuples(texts, texts), max_size=4),
    now=times,
    region=regions,
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
)
@example(HOST, ["", "", "..", ".", "a"], [], datetime(2026, 1, 1, tzinfo=UTC), "us-east-1", "s")
@example(HOST, ["~-_.", "*'()!"], [("b", "2"), ("a~", "+ /"), ("b", "1"), ("B", "")],
         datetime(2026, 1, 1, tzinfo=UTC), "us-east-1", "s")  # fmt: skip
def test_botocore_signs_the_same(
    authority: str,
    segments: list[str],
    parameters: list[tuple[str, str]],
    now: datetime,
    region: str,
    secret: str,
) -> None:
    path = quote("/".join(["", *segments]) or "/", safe="/~")
    query = "&".join(
        f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in parameters
    )
    url = f"https://{authority}{path}" + (f"?{query}" if query else "")
    assert lowered(signed(url, now, region, secret)) == lowered(
        signed_by_botocore(url, now, region, secret)
    )


@given(path=st.text(max_size=20), query=st.text(max_size=20), authority=authorities)
@example(path="a b/%7e%41%2f!'()*", query="x=%7e&&y=a b&y=A+B&z", authority=HOST)
@example(path="ä/%zz%", query="", authority=HOST)
def test_what_is_signed_is_what_travels(path: str, query: str, authority: str) -> None:
    """What a server decodes from the request line, and encodes as Amazon's clients do."""
    url = f"https://{authority}/{path}" + (f"?{query}" if query else "")
    target = parse_target(url)
    if not is_successful(target):
        assert not is_successful(parse_asked(url))
        return
    wire = urlsplit(f"https://{target.unwrap().authority}{target.unwrap().path_and_query}")
    assert parse_asked(url).unwrap().authority == target.unwrap().authority
    pairs = [pair.partition("=") for pair in wire.query.split("&") if pair]
    decoded = [[unquote_to_bytes(each.replace("+", " ")) for each in pair[::2]] for pair in pairs]
    spelled = quote(unquote_to_bytes(wire.path), safe="/~")
    if decoded:
        spelled += "?" + "&".join("=".join(quote(each, safe="~") for each in p) for p in decoded)
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert lowered(signed(url, now)) == lowered(
        signed_by_botocore(f"https://{wire.netloc}{spelled}", now, "us-east-1", SECRET)
    )


def test_regions_are_those_that_botocore_knows() -> None:
    """Every endpoint of S3 in the public partitions, with a bucket before it and without."""
    known = json.loads(files("botocore").joinpath("data/endpoints.json").read_text())
    checked = 0
    for partition in known["partitions"]:
        if not partition["dnsSuffix"].startswith("amazonaws."):
            continue
        endpoints = partition["services"].get("s3", {}).get("endpoints", {})
        for name, endpoint in [*endpoints.items(), *((each, {}) for each in partition["regions"])]:
            region = endpoint.get("credentialScope", {}).get("region", name)
            names = [variant["hostname"] for variant in endpoint.get("variants", [])]
            names.append(endpoint.get("hostname", f"s3.{name}.{partition['dnsSuffix']}"))
            for host in names:
                assert region_of(host).unwrap() == region
                assert region_of(f"my.bucket.{host}").unwrap() == region
                checked += 1
    assert checked > 100


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("s3-eu-west-1.amazonaws.com", "eu-west-1"),
        ("bucket.s3-eu-west-1.amazonaws.com", "eu-west-1"),
        ("s3-eu-west-1.s3.amazonaws.com", "us-east-1"),
        ("s3.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("s3-fips-us-gov-west-1.amazonaws.com", "us-gov-west-1"),
    ],
)
def test_older_names(host: str, region: str) -> None:
    assert region_of(host).unwrap() == region


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "s3.example.com",
        "s3.eu-west-1.amazonaws.com.evil.example",
        "notamazonaws.com",
        "s3.eu-west-1.notamazonaws.com",
        "bucket.s3-accelerate.amazonaws.com",
        "ec2.eu-west-1.amazonaws.com",
        "xs3.amazonaws.com",
        "s3.amazonaws.com.cn",
    ],
)
def test_hosts_that_tell_no_region(host: str) -> None:
    assert region_of(host).failure() == f"the region, which {host} does not tell"
