"""The tables of spaces: what lies in which, who may do what there, and what is lent; checks of both."""
