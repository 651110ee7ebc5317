"""The device's HTTP side: server, routes, auth, WebSocket, client."""
