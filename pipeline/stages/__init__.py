"""The six stages, one module each; a factory takes the ports and returns a Stage."""
