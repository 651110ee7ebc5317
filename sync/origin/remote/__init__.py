"""Commands that talk to an origin over HTTP, made from the table of operations of the origin that is asked."""
