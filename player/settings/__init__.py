"""The device's settings: model, sources, layers, the configuration in force."""
