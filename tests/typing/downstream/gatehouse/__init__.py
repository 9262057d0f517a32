"""What somebody builds on image-pipeline: an own stage, transport and store, and an own error."""
