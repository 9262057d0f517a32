"""Who may vouch for a registry image: policies, and what signatures say of an image.

``payloads`` reads what was signed. Nothing here verifies a signature or fetches anything: that is
the business of adapters, which come in through ports.
"""
