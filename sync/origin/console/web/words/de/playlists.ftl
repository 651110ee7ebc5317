# Playlists: die Liste, eine in Arbeit, und was von Einträgen gesagt wird.
playlists-title = Playlists
playlists-lead = Was Bildschirme nacheinander zeigen. Der Zeitplan sagt, wann welche Playlist läuft.
playlists-search = Playlist suchen
playlists-count = { $count ->
    [one] 1 Playlist
   *[other] { $count } Playlists
}
playlists-new = Neue Playlist
playlists-make = Anlegen
playlists-none = Noch keine Playlist
playlists-none-text = Eine Playlist ist eine Reihe von Filmen und Bildern. Legen Sie eine an, fügen Sie Medien ein und zeigen Sie sie über den Zeitplan.
playlists-none-found = Nichts heißt so
playlists-none-found-text = Versuchen Sie einen Teil des Namens; Groß- und Kleinschreibung und Akzente sind egal.
playlists-state = Stand
playlists-length = Länge
playlists-used = Läuft in
playlists-changed = Geändert
playlists-more = Mehr zeigen
playlists-items = { $count ->
    [0] leer
    [one] 1 Eintrag
   *[other] { $count } Einträge
}
playlists-open-end = ohne festes Ende
playlists-ready = Bereit
playlists-draft = Geändert, nicht bereit
playlists-draft-new = Entwurf
playlists-unused = in keinem Kanal
playlists-channels = { $count } Kanälen
playlists-do = Was mit { $name } geschieht
playlists-preview = Vorschau
playlists-copy = Kopie anlegen
playlists-copy-title = Kopie von { $name }
playlists-copy-name = { $name } (Kopie)
playlists-copy-text = Die Kopie hat dieselben Einträge und ist ein Entwurf, bis Sie sie bereit machen.
playlists-rename = Anderer Name
playlists-delete-title = { $name } löschen?
playlists-delete-text = { $count ->
    [0] Sie ist leer. Medien bleiben, wo sie sind.
    [one] Ihr einer Eintrag geht mit. Das Medium bleibt in Ihrer Sammlung.
   *[other] Ihre { $count } Einträge gehen mit. Die Medien bleiben in Ihrer Sammlung.
}
playlists-delete-used = { $count ->
    [one] Sie läuft in diesem Kanal. Zeigen Sie dort zuerst eine andere Playlist, dann löschen Sie diese.
   *[other] Sie läuft in diesen { $count } Kanälen. Zeigen Sie dort zuerst eine andere Playlist, dann löschen Sie diese.
}
playlists-deleted = { $name } ist gelöscht
playlists-review = Um Freigabe bitten
playlists-review-ask = Bitten
playlists-review-text = Wer veröffentlichen darf, sieht Ihre Änderungen und gibt sie frei oder schickt sie mit einer Bemerkung zurück.
playlists-review-note = Was sollte man dazu wissen? (freiwillig)
playlists-review-asked = Um Freigabe ist gebeten
playlists-history = Wer was geändert hat
playlists-somebody = Jemand
playlists-take-back = Zurücknehmen
playlists-did = { $what ->
    [created] Hat sie angelegt
    [ready] Hat sie bereit gemacht
    [removed] Hat sie gelöscht
   *[other] Hat sie geändert
}
playlists-changed-part = { $code ->
    [item-added] „{ $name }“ eingefügt
    [item-removed] „{ $name }“ entfernt
    [item-moved] „{ $name }“ verschoben
    [item-changed] „{ $name }“: { $fields }
   *[other] Geändert: { $fields }
}
playlists-changed-more = { $count ->
    [one] und eine weitere Änderung
   *[other] und { $count } weitere Änderungen
}

playlists-undo = Rückgängig
playlists-redo = Wiederholen
playlists-add = Medien einfügen
playlists-added = { $count ->
    [one] Am Ende eingefügt
   *[other] { $count } Einträge eingefügt
}
playlists-removed = { $count ->
    [one] Ein Eintrag entfernt
   *[other] { $count } Einträge entfernt
}
playlists-empty = Noch nichts darin
playlists-empty-text = Wählen Sie daneben Medien aus, oder ziehen Sie sie hierher.
playlists-media = Ihre Medien
playlists-media-search = In Ihren Medien suchen
playlists-no-media = Noch keine Medien
playlists-no-media-text = Senden Sie Filme und Bilder von diesem Computer.
playlists-upload = Hochladen
playlists-sending = { $count ->
    [one] 1 Datei wird gesendet
   *[other] { $count } Dateien werden gesendet
}
playlists-add-one = { $name } einfügen
playlists-add-chosen = { $count ->
    [one] 1 ans Ende
   *[other] { $count } ans Ende
}
playlists-clear = Nichts auswählen
playlists-chosen = { $count } ausgewählt
playlists-settings = Wie sie gezeigt werden
playlists-total = { $length } für eine Runde
playlists-total-open = { $length } und { $count ->
    [one] ein Eintrag ohne festes Ende
   *[other] { $count } Einträge ohne festes Ende
}
playlists-length-help = Eine Runde durch alle Einträge, ohne Werbung
playlists-shown-in = Läuft:
playlists-make-ready = Bereit machen
playlists-made-ready = Bereit: die nächste Veröffentlichung zeigt sie
playlists-save-draft = Änderungen als Entwurf behalten
playlists-save-ready = Änderungen gleich bereit machen
playlists-saved = Alles ist gespeichert
playlists-saving = Wird gespeichert …
playlists-discard = Meine Änderungen aufgeben
playlists-other = { $name } hat sie { $ago } geändert
playlists-item-list = Einträge, in der Reihenfolge, in der sie laufen

playlists-unknown = …
playlists-failed = Lässt sich nicht zeigen: sehen Sie das Medium an
playlists-preparing = Wird vorbereitet
playlists-stream = Livestream
playlists-over = Vorbei seit { $at }
playlists-later = Ab { $at }
playlists-until = Bis { $at }
playlists-loops = Wiederholt sich
playlists-silent = Stumm
playlists-volume-at = { $percent } %
playlists-fit-contain = Ganz zeigen
playlists-fit-cover = Bildschirm füllen, Rest abschneiden
playlists-fit-fill = Auf den Bildschirm strecken
playlists-by-screen = Wie jeder Bildschirm eingestellt ist
playlists-at-end-cut = Hört sofort auf
playlists-at-end-finish = Läuft zu Ende
playlists-yes = ja
playlists-no = nein
playlists-value-none = nicht gesetzt
playlists-place-first = am Anfang
playlists-place-after = hinter „{ $name }“

playlists-duplicate = Verdoppeln
playlists-remove = Entfernen
playlists-differ = verschieden
playlists-field-name = Name
playlists-field-title = Titel
playlists-field-media = Medium
playlists-field-duration_ms = Wie lange
playlists-field-fit = Auf dem Bildschirm
playlists-field-background = Farbe daneben
playlists-field-volume = Lautstärke
playlists-field-loop = Wiederholen, bis die Zeit um ist
playlists-field-at_end = Wenn seine Zeit endet
playlists-field-starts_at = Nicht vor
playlists-field-ends_at = Nicht nach
playlists-field-ends_with_budget = Aus, wenn die Daten des Monats verbraucht sind
playlists-field-place = Platz
playlists-length-how = Sekunden, oder Minuten und Sekunden wie 1:30. Leer: die Länge des Films, bei einem Bild zehn Sekunden.
playlists-length-own = eigene Länge
playlists-length-wrong = Geben Sie Sekunden wie 15 oder 1:30 ein; von 0,1 Sekunden bis 24 Stunden.
playlists-loop-help = Ein Film, der kürzer ist als seine Zeit, beginnt von vorn.
playlists-budget-help = Für Bildschirme mit bezahlten mobilen Daten.
playlists-volume-label = Lautstärke: { $percent }
playlists-times = Nur zu bestimmten Zeiten
playlists-times-zone = In der Zeit dieses Computers ({ $zone })
playlists-ends-before = Das ist nicht nach „Nicht vor“.

playlists-clash-whole = der ganze Eintrag
playlists-clash-changed = behalten und geändert
