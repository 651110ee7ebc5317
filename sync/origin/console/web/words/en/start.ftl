start-title = Start
start-wrong-now = What is wrong now
start-all-well = Nothing is wrong
