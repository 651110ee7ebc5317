"""Media over HTTP: uploads, streams, what became of them, and the room that they take."""
