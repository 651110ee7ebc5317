"""The HTTP endpoint of the device: server, routes, access, WebSocket, and the client for `status`."""
