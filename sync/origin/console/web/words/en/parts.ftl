# Parts that several views show.
