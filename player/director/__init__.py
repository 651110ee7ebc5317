"""Decides by the programme, drives the screen, has takes recorded."""
