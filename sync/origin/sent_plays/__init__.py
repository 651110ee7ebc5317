"""Plays as devices send them, read and checked by a compiled reader; what is unusual is left to the model of a play."""
