"""The origin's settings: model and loader."""
