# Sentences of the origin that are for programmers, in the words of people who look after screens.
