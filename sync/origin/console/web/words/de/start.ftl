start-title = Start
start-wrong-now = Was gerade nicht stimmt
start-all-well = Alles in Ordnung
