"""The tables of the audit log and of the versions of documents, written with the changes that they are about."""
