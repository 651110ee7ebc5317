"""What the work on one sent file may cost: read from its headers, refused or given a budget, before it is decoded."""
