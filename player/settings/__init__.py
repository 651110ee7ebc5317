"""The settings of the device: their model, their sources, and the configuration in force."""
