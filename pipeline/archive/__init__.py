"""Reading an image's archive while it streams past: nothing is unpacked, nothing is trusted.

``compression`` undoes what was compressed, within bounds (``gzip_member`` and ``zstd_frame`` do it
for one member or frame); ``reader`` reads a tar's entries and their data (``tar_header`` one
header, ``metadata`` what only who unpacks wants), ``scanner`` checks that they are laid out as an
image and keeps the manifest's bytes. ``layer`` writes an image's files as the tar of an OCI layer.

Of OCI images: ``decompressing`` gives a layer's bytes, and ``diff_ids`` compares them. ``layering``
says where a layer's entries go over those below: ``links`` are followed, ``whiteouts`` remove, and
``squashed_tree`` knows what is left. ``squash`` makes one tar of that (``copying`` writes each
header), ``conversion`` an archive.
"""
