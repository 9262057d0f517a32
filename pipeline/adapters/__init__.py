"""Whatever touches the world, one module (or package) a medium."""
