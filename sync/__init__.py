"""What device and origin exchange: `device` is the device's side, `origin` the server, all else both use."""
