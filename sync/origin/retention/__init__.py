"""Deletes assets and releases that nothing needs any more, and moves old plays into files.

Unfinished uploads are deleted by `ingest`.
"""
