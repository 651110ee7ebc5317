# Teile, die mehrere Ansichten zeigen.
