"""Find container images, fetch them into a local store, and prove who signed them."""
