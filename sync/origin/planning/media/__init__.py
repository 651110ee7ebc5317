"""What people know and change of media: their uses in plans."""
