"""A compressed day of a whole site, and the record of it held against what somebody saw on its display."""
