"""Many images at one place: a list in, a report out."""
