"""Code that device and origin share. Content goes from the origin to devices, proof of plays goes back."""
