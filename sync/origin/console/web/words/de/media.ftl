# Die Medien: was da ist, und die Seite eines einzelnen.
media-title = Medien
media-lead = Bilder, Filme und Streams, die Bildschirme zeigen können.
media-count = { $count ->
    [one] Ein Medium
   *[other] { $count } Medien
}
media-add-files = Dateien hinzufügen
media-add-stream = Stream hinzufügen
media-search = Namen, Schlagwörter und Ordner durchsuchen
media-look = Wie sie gezeigt werden
media-look-pictures = Bilder
media-look-table = Tabelle
media-filters = Filter
media-filters-held = { $count ->
    [one] Ein Filter
   *[other] { $count } Filter
}
media-any = Alle
media-filter-kind = Art
media-filter-state = Stand
media-filter-use = Verwendung
media-filter-shape = Form
media-filter-age = Hinzugefügt
media-filter-tag = Schlagwort
media-drop-tag = Nicht mehr nur das Schlagwort { $tag }
media-kind-video = Film
media-kind-picture = Bild
media-kind-stream = Stream
media-kind-unknown = Noch nicht bekannt
media-state-ready = Fertig
media-state-processing = Wird aufbereitet
media-state-queued = Wartet
media-state-failed = Nicht zeigbar
media-preparing = Wird aufbereitet, { $progress } %
media-use-used = Verwendet
media-use-unused = Nicht verwendet
media-shape-landscape = Querformat
media-shape-portrait = Hochformat
media-shape-square = Quadrat
media-age-1 = Seit gestern
media-age-7 = In der letzten Woche
media-age-30 = Im letzten Monat
media-age-365 = Im letzten Jahr
media-sort = { $sort ->
    [name] Nach Namen
    [created_at] Älteste zuerst
    [down-source_bytes] Größte zuerst
    [down-updated_at] Zuletzt geändert
   *[other] Neueste zuerst
}
media-none = Noch keine Medien
media-none-text = Ziehen Sie Dateien irgendwo auf diese Seite, oder fügen Sie sie hier hinzu. Filme und Bilder fast jeder Art werden zeigbar gemacht.
media-none-viewer = Wer bearbeiten darf, fügt sie hier hinzu.
media-none-found = Nichts passt
media-none-found-text = Suchen Sie nach einem anderen Wort, oder nehmen Sie die Filter weg.
media-show-all = Alle Medien zeigen
media-chosen = { $count ->
    [one] Eines gewählt
   *[other] { $count } gewählt
}
media-choose-all = Alle { $count } wählen
media-unchoose = Keines wählen
media-move = Verschieben
media-tag = Schlagwörter
media-look-at-it = Zeigen

# Ordner
media-folders = Ordner
media-folder-all = Alle Medien
media-folder-none = In keinem Ordner
media-folder-new = Neuer Ordner
media-folder-inside = Neuer Ordner darin
media-folder-make = Anlegen
media-folder-more = Mehr zum Ordner { $name }
media-folder-rename = Ordner umbenennen
media-folder-delete = Den Ordner { $name } löschen?
media-folder-delete-text = Nur ein leerer Ordner lässt sich löschen: verschieben Sie zuerst, was darin liegt.
media-folder-move = Den Ordner { $name } verschieben
media-folder-into = In den Ordner
media-folder-top = Ganz oben
media-moved = { $count ->
    [one] Nach { $name } verschoben.
   *[other] { $count } Medien nach { $name } verschoben.
}

# Fenster
media-stream-text = Bildschirme spielen ihn direkt aus dem Netz. Seine Adresse, auch ein Kennwort darin, steht in dem, was jeder Bildschirm holt.
media-stream-url = Adresse
media-stream-url-help = http, https, rtsp, rtmp, udp oder rtp
media-stream-name-help = Leer: der Name seines Servers.
media-stream-do = Hinzufügen
media-stream-added = { $name } ist hinzugefügt.
media-rename = Umbenennen
media-move-title = { $what } verschieben
media-no-folders = Es gibt noch keinen Ordner: legen Sie in der Liste der Ordner einen an.
media-tag-title = Schlagwörter von { $what }
media-tags-add = Schlagwörter hinzufügen
media-tags-help = Mehrere mit Kommas dazwischen, etwa „Sommer, Fenster“.
media-tags-drop = Wegnehmen
media-delete-title = { $what } löschen?
media-looking-for-uses = Es wird gesucht, wo es verwendet wird …
media-delete-unused = { $count ->
    [one] Nichts verwendet es.
   *[other] Nichts verwendet sie.
}
media-delete-used = { $count ->
    [one] Es wird verwendet. Es wird auch hier herausgenommen:
   *[other] Einige werden verwendet. Sie werden auch hier herausgenommen:
}
media-delete-screens = Bildschirme spielen weiter, was veröffentlicht ist, bis Sie wieder veröffentlichen.
media-deleted = { $count ->
    [one] { $name } ist gelöscht.
   *[other] { $count } Medien sind gelöscht.
}
media-emptied = Hier bliebe kein Inhalt:
media-emptied-one = { $kind ->
    [playlist] Die Playlist { $name } bleibt, leer.
    [line] Der Buchungsposten { $name } wird entfernt.
    [campaign] Die Kampagne { $name } wird entfernt.
   *[other] { $name }
}
media-replace = Überall ersetzen
media-replace-title = { $name } überall ersetzen
media-replace-text = Wählen Sie, was an seine Stelle kommt. Es ändert sich hier überall auf einmal; Bildschirme zeigen es, sobald Sie veröffentlichen.
media-replace-by = Was an seine Stelle kommt
media-replace-do = Überall ersetzen
media-replace-shape = { $shape ->
    [portrait] Das neue ist hochkant, das alte nicht: es bekommt vielleicht Balken an den Seiten.
    [landscape] Das neue ist quer, das alte nicht: es bekommt vielleicht Balken oben und unten.
   *[other] Das neue hat eine andere Form: es bekommt vielleicht Balken.
}
media-replace-kind = { $kind ->
    [video] Das neue ist ein Film: er spielt so lange, wie er ist, wo nichts anderes eingestellt ist.
    [picture] Das neue ist ein Bild: es steht so lange wie üblich, wo nichts anderes eingestellt ist.
   *[other] Das neue ist ein Stream: er läuft so lange, wie eingestellt ist.
}
media-replaced = { $count ->
    [one] { $name } ist an einer Stelle durch { $by } ersetzt.
   *[other] { $name } ist an { $count } Stellen durch { $by } ersetzt.
}

# Eines
media-gone = Das gibt es hier nicht
media-gone-text = Es wurde gelöscht, oder die Adresse ist vertippt.
media-retry = Noch einmal aufbereiten
media-facts = Was es ist
media-fact-kind = Art
media-fact-address = Adresse
media-fact-size = Größe
media-fact-length = Länge
media-fact-sound = Ton
media-fact-bytes = Auf Bildschirmen
media-fact-sent = Wie gesendet
media-fact-folder = Ordner
media-fact-tags = Schlagwörter
media-fact-added = Hinzugefügt
media-sound-yes = ja
media-sound-no = keiner
media-loudness = ja, { $lufs } LUFS
media-uses = Wo es verwendet wird
media-unused = Noch nirgends.
media-use-playlist = { $count ->
    [one] Playlist
   *[other] Playlist, { $count } Mal
}
media-use-campaign = { $count ->
    [one] Kampagne, ein Posten
   *[other] Kampagne, { $count } Posten
}
media-use-fallback = Kanal, als Ersatzbild
media-use-overlay = Kanal, als Logo über dem Bild
media-on-screens = { $count ->
    [one] Ein Bildschirm hat es in dem, was er jetzt spielt.
   *[other] { $count } Bildschirme haben es in dem, was sie jetzt spielen.
}
media-same = Dieselbe Datei ist schon da.
media-same-look = Die erste zeigen
media-stream-preview = Einen Stream holen die Bildschirme selbst; ein Browser zeigt ihn nicht.
media-no-preview = Dieser Browser kann es nicht zeigen; Bildschirme können es.
media-download = Herunterladen
media-history = Verlauf
media-history-none = Nichts ist aufgezeichnet.
media-history-more = Ältere zeigen
media-nobody = der Server
media-done = { $action ->
    [created] Hinzugefügt
    [changed] Geändert
    [retried] Noch einmal aufbereitet
    [ready] Fertig zum Zeigen
    [failed] Ließ sich nicht aufbereiten
    [moved] In einen anderen Bereich gelegt
    [lent] An einen anderen Bereich verliehen
    [removed] Gelöscht
   *[other] { $action }
}
media-done-by = { $name }, { $at }
