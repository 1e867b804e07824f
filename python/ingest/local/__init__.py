"""The embedded stack: servers from PyPI wheels and our own processes under one supervisor."""
