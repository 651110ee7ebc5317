"""The tables of who changed what: the audit log, versions of documents, and requests that may be repeated."""
