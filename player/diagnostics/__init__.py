"""Explanation, forecast and doctor, for the command line and for the endpoint."""
