"""Ready-made pipelines: the Fetcher, the Finder, and the one place where stages meet adapters."""
