"""What users install: the wheel, in clean environments, beside the lowest and the newest."""
