"""The store in a bucket of a service that speaks S3."""

from pipeline.adapters.bucket.opening import open_bucket
from pipeline.adapters.bucket.store import BucketStore

__all__ = ["BucketStore", "open_bucket"]
