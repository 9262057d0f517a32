"""Every limit of the product, with its unit and its reason. Nothing else stands here.

A limit on what is read is inclusive: exactly that many bytes pass. Those that a user may need
to change are fields of :class:`Limits`; the rest are constants.
"""

from dataclasses import dataclass
from typing import Final, final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

CHUNK_BYTES: Final = 1 * MIB
"""Bytes moved at a time through a stage: large enough that Python's cost a chunk vanishes."""

REFERENCE_CHARACTERS: Final = 4 * KIB
"""Longest reference text; a longer one is a mistake, and messages show references."""

BACKGROUND_CHUNKS: Final = 4
"""Chunks that wait for a helper thread: enough that neither side idles, 4 MiB of memory."""

DISCOVERY_PAGE_BYTES: Final = 4 * MIB
"""A discovery page (CVE-2020-1702: an endless page must not fill memory)."""

DISCOVERY_TAGS: Final = 256
"""Meta tags considered on one page; real pages have a handful."""

DISCOVERY_HEAD_BYTES: Final = 256 * KIB
"""What is parsed of a page: a long head; 4 MiB of hostile markup would take ten seconds."""

ERROR_BODY_BYTES: Final = 1 * MIB
"""What is read of a body that nobody wants, so that the connection can be used again."""

ERROR_BODY_SECONDS: Final = 5.0
"""How long such a body is read; a new connection costs less than a longer wait."""

DOCUMENT_SECONDS: Final = 120.0
"""A discovery page or a signature, all told: small enough that a slower server is not one."""

SIGNATURE_BYTES: Final = 1 * MIB
"""A detached signature file; real ones are under 10 KiB."""

SIGNATURE_COUNT: Final = 128
"""Signature packets considered in one file (CVE-2023-46737: endless signatures)."""

MESSAGE_BYTES: Final = 1 * MIB
"""What a signed message may unpack to; what is signed of an image has under 1 KiB."""

PUBLIC_KEY_BYTES: Final = 64 * KIB
"""A bare public key as PEM; one of RSA with 16,384 bits has 3 KiB, and people add comments."""

PACKET_PARTS: Final = 4_096
"""Parts that one OpenPGP packet may come in: twice what 1 MiB is in those of 512 bytes."""

PAYLOAD_DEPTH: Final = 32
"""Nesting of the JSON that is signed of an image; the schema's own depth is 3, and cosign lets
people add what they like."""

KEYRING_BYTES: Final = 4 * MIB
"""One key file, armored or binary; the largest well-known keyrings are under 2 MiB."""

KEYS_PER_FILE: Final = 256
"""Primary keys considered in one key file."""

PACKETS_PER_FILE: Final = 10_000
"""OpenPGP packets considered in one key file."""

SELF_SIGNATURES: Final = 256
"""Signatures of keys on themselves verified for one key file or one verdict.

The busiest real keys have about a hundred; the slowest algorithm takes a millisecond for one."""

USER_ID_BYTES: Final = 2 * KIB - 10
"""Longest user ID of a key, gpg's own limit; a longer one is left out."""

CLOCK_SKEW_SECONDS: Final = 60
"""By how much a signature may lie in the future: the signer's clock and ours may differ."""

MANIFEST_BYTES: Final = 4 * MIB
"""An image manifest; rkt read a 200 MiB manifest and used 2.5 GB."""

MANIFEST_DEPTH: Final = 64
"""Nesting of a manifest's JSON; the schema's own deepest path is under 10."""

ARCHIVE_ENTRIES: Final = 2_000_000
"""Entries of one archive, and of all layers of one image; a full Debian desktop has 500,000."""

ARCHIVE_PATH_BYTES: Final = 4 * KIB
"""Longest path or link target in an archive: Linux' own PATH_MAX."""

ARCHIVE_PATH_SEGMENTS: Final = 256
"""Folders below each other that are unpacked; the deepest real trees have about 60."""

LINKS_FOLLOWED: Final = 40
"""Symbolic links on the way of one path: as many as Linux follows (``MAXSYMLINKS``)."""

FOLDER_PATH_BYTES: Final = 256 * MIB
"""Paths of folders kept in memory until a tree is whole; 50,000 usual ones have 2 MiB."""

ARCHIVE_HEADER_BYTES: Final = 1 * MIB
"""One extended (PAX or GNU) tar header; a longer one is an attack on memory."""

DECOMPRESSION_RATIO: Final = 300
"""Most bytes out for each byte in, once over :data:`RATIO_GRACE_BYTES`.

Text reaches 10 to 20, sparse file systems about 200; a gzip bomb has 1,030."""

COMPRESSED_MEMBERS: Final = 1_000_000
"""gzip members, xz streams or zstd frames of one file; formats that can be sought in have one
for each file or each 64 KiB, and a tiny one costs as much time as 10 KiB of data."""

GZIP_HEADER_BYTES: Final = 128 * KIB
"""One gzip member's header: its extra field has up to 64 KiB, the rest is a name and a comment."""

RATIO_GRACE_BYTES: Final = 64 * MIB
"""Output up to which the ratio is not judged: small and empty images compress extremely."""

ZSTD_WINDOW_BYTES: Final = 128 * MIB
"""Largest zstd window: what the decompressor may allocate because a header says so."""

XZ_MEMORY_BYTES: Final = 96 * MIB
"""Memory limit for an xz decoder: ``xz -9`` needs 65 MiB."""

REDIRECTS: Final = 10
"""Redirects followed for one request, as rkt and curl's users expect."""

CONNECT_SECONDS: Final = 30.0
"""One connection attempt, TLS included."""

ADDRESSES: Final = 16
"""Addresses of one host that are tried; large services give under ten."""

ADDRESS_HEAD_START_SECONDS: Final = 0.25
"""How long one address is tried before the next is tried beside it (RFC 8305 section 5)."""

LEAST_RATE_SECONDS: Final = 60.0
"""For how long a transfer may be slower than the least rate: networks change, people move."""

PARTIAL_SYNC_SECONDS: Final = 10.0
"""How much of a transfer, in time, a power cut may cost: so often its bytes are made durable."""

PARTIAL_STATE_BYTES: Final = 16 * KIB
"""What is noted beside a partial: two validators of 1 KiB at most, some numbers."""

RETRIES: Final = 5
"""How often a request that fails is sent again without a byte gained; pip has as many."""

RETRY_SECONDS: Final = 0.5
"""Longest wait before the first of these; each next may be twice as long."""

RETRY_LONGEST_SECONDS: Final = 60.0
"""Longest wait before any, also where ``Retry-After`` asks for one; registries ask for up to 60."""

VALIDATOR_CHARACTERS: Final = 1 * KIB
"""An ETag or a date that is kept; real ones are under 100."""

FIELD_CHARACTERS: Final = 16 * KIB
"""One header field of an answer that is looked into; servers and proxies give out less in all."""

KEEPALIVE_SECONDS: Final = 4.0
"""How long an idle connection is kept; many servers close theirs after 5 seconds."""

CANDIDATES: Final = 16
"""Places tried for one image; each may take as long as a transfer."""

MIRRORS: Final = 8
"""Places of one prefix that are tried before the origin."""

KEY_URLS: Final = 16
"""Public-key locations followed for one name."""

DEPENDENCIES: Final = 1_000
"""Images that one fetch may pull in through dependencies."""

PARALLEL_FETCHES: Final = 4
"""Images fetched at once: enough to hide a server's delays, too few to trouble one."""

STOP_SECONDS: Final = 1.0
"""How long an interrupted run waits for its threads to let go of what they hold."""

STOP_CHECK_SECONDS: Final = 0.05
"""How often a transfer that can be stopped sees whether it is: at once to a person, and cheap."""

DEPENDENCY_DEPTH: Final = 100
"""Longest chain of dependencies."""

STORE_WAIT_SECONDS: Final = 60.0
"""Wait for another process's change to the store: milliseconds, or a slow disk's one sync."""

RECORD_BYTES: Final = 32 * MIB
"""What is kept beside an image: a signature, its signers' user IDs, some URLs' validators."""

REMOTES_PER_RECORD: Final = 64
"""URLs of one image that outlast the loss of the index; others are asked for once more."""

BUCKET_FORMAT_BYTES: Final = 4 * KIB
"""The object that says which format a store in a bucket has: some 20 bytes."""

BUCKET_URL_BYTES: Final = 64 * KIB
"""What is kept of a URL in a bucket: an image ID, and validators of up to 1,024 characters."""

BUCKET_PART_BYTES: Final = 8 * MIB
"""Above it, a blob goes up in parts of this size, larger where S3's 10,000 would not do."""

BUCKET_PARTS_AT_ONCE: Final = 8
"""Parts on their way at once from one process; so many are in memory, too."""

BUCKET_REQUESTS_AT_ONCE: Final = 8
"""Small requests of one call at once: a round trip takes far longer than the service's work."""

BUCKET_IDLE_SECONDS: Final = 60.0
"""Longest silence of a service of objects before a request is given up, or sent again."""

BUCKET_ATTEMPTS: Final = 16
"""How often a record is written anew because another writer was faster, before that is an error."""

PARALLEL_SYNCS: Final = 4
"""Blobs of one image made durable at once: on ext4, 20 of 64 KiB take a tenth of the time then."""

LISTED_AT_ONCE: Final = 500
"""Entries up to which ``index.json`` is made again with every change: so many take 15 ms."""

LISTING_SHARE: Final = 100
"""Beyond that, it is made again once one in so many entries has changed: 3 ms for each change."""

USE_NOTED_SECONDS: Final = 3600.0
"""How exactly an image's last use is known: noting it more often would write for every read."""

MAX_AGE_SECONDS: Final = 2**31
"""Longest freshness that is remembered (RFC 9111 section 1.2.2 suggests this very bound)."""

CONFIGURATION_BYTES: Final = 1 * MIB
"""A configuration file; a person writes it."""

CREDENTIALS_DEPTH: Final = 8
"""Nesting of the JSON of a credentials file or a token; the schemas' own depth is 2."""

POLICY_DEPTH: Final = 8
"""Nesting of a ``policy.json``; the schema's own depth is 6."""

INDEX_DEPTH: Final = 4
"""Indexes within indexes that are followed; real images have one, at most two."""

INDEX_ENTRIES: Final = 1_000
"""Images of one index; the largest well-known ones have about 60, attestations included."""

LAYERS: Final = 1_000
"""Layers of one image; docker builds no more than 127."""

IMAGE_ARCHIVE_ENTRIES: Final = 10_000
"""Entries of a tar of images, each of which may be a file in quarantine; 20 images of 127 layers
have as many as docker once saved them, with four entries a layer."""

CONFIG_BYTES: Final = 4 * MIB
"""An OCI image's configuration; one of 127 layers has about 100 KiB."""

PARALLEL_LAYERS: Final = 4
"""Layers of one image that are fetched at once."""

TOKEN_BYTES: Final = 1 * MIB
"""A token service's answer (CVE-2020-1702); real ones have under 10 KiB."""

TOKEN_SECONDS: Final = 60
"""For how long a token is good at least, whatever its service says (distribution v2.8.2
``docs/spec/auth/token.md``: "for compatibility with older clients")."""

CHALLENGES: Final = 16
"""``WWW-Authenticate`` challenges of one answer that are considered."""

CREDENTIAL_HELPER_SECONDS: Final = 10.0
"""How long a credential helper may take: it asks a keyring, not a person."""

CREDENTIAL_HELPER_BYTES: Final = 64 * KIB
"""What a credential helper may say."""

TAG_PAGES: Final = 1_000
"""Pages of a repository's tags that are followed."""

SCHEDULER_SECONDS: Final = 10.0
"""How long a cluster's scheduler may take to answer; it does nothing else."""

WORKERS_SECONDS: Final = 60.0
"""How long a cluster may be without workers: one that died is started again in seconds."""

ENGINE_CHECK_SECONDS: Final = 1.0
"""How often is seen whether a cluster that says nothing is still there."""

ENGINE_POLL_SECONDS: Final = 0.01
"""How often is seen whether a cluster's job has ended; a small one takes about as long."""

ENGINE_STOP_SECONDS: Final = 3.0
"""How long a scheduler may take to hear that its work is not wanted any more."""

CANCELLED_CHECK_SECONDS: Final = 0.2
"""How often a job on a worker sees whether it is still wanted; asks nobody, and costs 20 µs."""

LEASE_SECONDS: Final = 1.0
"""How long a job waits for its turn with a host before it sees whether it is still wanted."""

JOBS_IN_FLIGHT: Final = 1_000
"""Jobs that a scheduler knows at a time: several for each thread of a large cluster."""

LIST_BYTES: Final = 32 * MIB
"""A list of images: 100,000 with 300 characters each."""

LIST_ENTRIES: Final = 250_000
"""Images of one list: more than anybody was seen to mirror, and little enough to be in memory."""

LIST_DEPTH: Final = 4
"""Nesting of a list in YAML or JSON, and of a lock file; that of their schemas."""

LOCK_BYTES: Final = 256 * MIB
"""A lock file: a list's images with a digest of 128 digits each, for a few platforms."""

USER_AGENT: Final = "image-pipeline/0.1.0"
"""The product and its version in the User-Agent header (RFC 9110 section 10.1.5): whoever runs a
server can tell which release misbehaves. A constant, as asking for metadata takes 50 ms."""


@final
@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that a user may set for a fetch."""

    image_bytes: int = 32 * GIB
    """Bytes of an image as it travels."""

    archive_bytes: int = 64 * GIB
    """Bytes of an image's archive once decompressed, or of all its layers together."""

    idle_seconds: float = 60.0
    """Longest silence of a server in mid-transfer."""

    total_seconds: float = 24 * 3600.0
    """Longest transfer, all told."""

    least_bytes_per_second: int = 1 * KIB
    """Slowest transfer over :data:`LEAST_RATE_SECONDS`; a modem had five times as much."""


DEFAULT_LIMITS: Final = Limits()
