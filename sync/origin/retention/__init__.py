"""Deletes assets and releases that nothing needs any more, moves old plays into files, and removes old history.

Unfinished uploads are deleted by `ingest`.
"""
