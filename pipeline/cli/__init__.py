"""The command line: arguments in; stdout, stderr and an exit code out."""

from pipeline.cli.main import main

__all__ = ["main"]
