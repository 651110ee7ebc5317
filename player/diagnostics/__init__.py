"""Explanation, forecast and doctor, beside a running player or in it."""
