start-title = Start
start-lead = { $devices ->
    [one] { $online ->
        [0] Ihr Bildschirm ist nicht verbunden.
       *[other] Ihr Bildschirm ist verbunden.
    }
   *[other] { $online } von { $devices } Bildschirmen sind verbunden.
}
start-wrong-now = Was gerade nicht stimmt
start-all-well = Alles in Ordnung.
start-all-screens = Alle Bildschirme
start-more = { $count } weitere
start-level-silent = Stumm
start-level-never = Nie gehört
start-level-critical = Dunkel
start-level-warning = Problem
start-silent = Zuletzt gehört { $ago }. Vielleicht ist er ausgeschaltet oder ohne Netzwerk; was er hat, spielt er weiter.
start-never = Er wurde gekoppelt und hat sich seither nicht gemeldet. Sehen Sie nach, ob er eingeschaltet ist und Netzwerk hat.
start-critical = Er zeigt nichts von seinem Programm.
start-warning = Er meldet ein Problem.
start-media-failed-chip = Medien
start-media-failed = { $count ->
    [one] Eine Datei wurde kein Medium
   *[other] { $count } Dateien wurden keine Medien
}
start-soon = Was demnächst ansteht
start-nothing-soon = In den nächsten Tagen braucht Sie nichts.
start-late = Er wird seine nächste Veröffentlichung nicht rechtzeitig haben.
start-disk = Die Platte des Servers ist fast voll
start-disk-text = Frei sind { $free }. Löschen Sie Medien, die nirgends gezeigt werden.
start-review = { $who } bittet um eine Prüfung.
start-planned = Wird veröffentlicht: { $at }.
start-ends = Die Kampagne endet { $when }.
start-on-air = Auf Sendung
start-no-screen = Kein Bildschirm ist verbunden
start-no-screen-text = Sobald einer verbunden ist, sehen Sie hier, was er zeigt.
start-fallback = Ersatzbild: er hat nichts anderes zu zeigen
start-untitled = Ohne Titel
start-shows-nothing = Zeigt nichts
start-heard = gehört { $ago }
start-first = In drei Schritten zum ersten Film
start-step-done = (erledigt)
start-step-media = Film oder Bild bringen
start-step-media-text = Ziehen Sie Dateien auf die Seite. Sie werden geprüft und für jeden Bildschirm vorbereitet.
start-step-media-do = Medien hinzufügen
start-step-screen = Bildschirm verbinden
start-step-screen-text = Ein neues Gerät zeigt einen Code. Tippen Sie ihn hier ein, und der Bildschirm gehört Ihnen.
start-step-screen-do = Bildschirm koppeln
start-step-play = Playlist machen und veröffentlichen
start-step-play-text = Ordnen Sie Ihre Medien, wählen Sie, wo sie laufen, und drücken Sie „Veröffentlichen“.
start-step-play-do = Playlist machen
