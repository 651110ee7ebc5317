"""Carries out what the programme decides: has items loaded and cut to, obeys the operator, has every take recorded."""
