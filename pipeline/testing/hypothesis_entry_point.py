"""What hypothesis loads when it is imported: the entry point of image-pipeline's strategies.

It is installed beside the package, as the module ``image_pipeline_hypothesis``: a test suite that
has nothing to do with the package does not wait for it, and one that has another package named
``pipeline`` does not fail for it.
"""

import sys


def register() -> None:
    """Register the strategies, where the package is in use already.

    Where it is not, it registers them itself when it is imported (``pipeline/__init__.py``).
    """
    # Another project's package of the same name has no such module.
    if "pipeline.lazy" in sys.modules:
        from pipeline.testing.registration import register_strategies

        register_strategies()
