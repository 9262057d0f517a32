"""What stores write down of an image beside its bytes, as JSON: the same in every store."""
