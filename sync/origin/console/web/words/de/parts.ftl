# Teile, die mehrere Ansichten zeigen.

# Dateien, die gesendet werden, wo man auch ist.
parts-uploads = Dateien, die gesendet werden
parts-drop-here = Loslassen, um zu den Medien hinzuzufügen
parts-show-uploads = Dateien zeigen
parts-sending = { $done } von { $count } gesendet
parts-preparing = { $preparing ->
    [one] Eine Datei wird aufbereitet
   *[other] { $preparing } Dateien werden aufbereitet
}
parts-sent = { $failed ->
    [0] { $count ->
        [one] Eine Datei ist da
       *[other] Alle { $count } Dateien sind da
    }
    [one] { $count } Dateien, eine ist nicht brauchbar
   *[other] { $count } Dateien, { $failed } sind nicht brauchbar
}
parts-unfinished = Begonnen und nicht fertig
parts-pause = Anhalten
parts-go-on = Weiter
parts-clear = Leeren
parts-more-uploads = { $count ->
    [one] und eine weitere
   *[other] und { $count } weitere
}
parts-percent = { $name }: { $percent } % gesendet
parts-percent-of = { $percent } % von { $size }
parts-checking-it = Wird geprüft
parts-state-waiting = Wartet auf die Reihe
parts-state-checking = Wird gelesen
parts-state-retrying = Die Leitung ist weg. Geht von selbst weiter.
parts-state-paused = Angehalten
parts-state-preparing = { $progress ->
    [0] Gesendet. Wird aufbereitet …
   *[other] Gesendet. Wird aufbereitet, { $progress } %
}
parts-state-ready = Fertig
parts-unreadable = Sie lässt sich nicht lesen: sie wurde geändert, verschoben oder gelöscht. Wählen Sie sie noch einmal.
parts-refused = Sie wurde abgelehnt. Versuchen Sie es noch einmal.
parts-same = Dieselbe Datei war schon da
parts-pause-one = { $name } anhalten
parts-go-on-one = Mit { $name } weitermachen
parts-cancel-one = { $name } nicht senden
parts-choose = Wählen
parts-choose-one = { $name } noch einmal wählen
parts-choose-again = { $percent } % sind da. Wählen Sie die Datei noch einmal, um weiterzumachen.
parts-forget-one = { $name } vergessen
