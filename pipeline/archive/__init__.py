"""Reading an image's archive while it streams past: nothing is unpacked, nothing is trusted.

``compression`` undoes what was compressed, within bounds (``gzip_member`` and ``zstd_frame`` do it
for one member or frame); ``scanner`` reads the tar's entries (``tar_header`` one header) and keeps
the manifest's bytes.
"""
