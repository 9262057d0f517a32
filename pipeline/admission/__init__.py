"""Who may vouch for a registry image."""
