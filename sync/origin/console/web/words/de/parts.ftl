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
parts-paused = { $paused ->
    [one] Eine Datei ist angehalten
   *[other] { $paused } Dateien sind angehalten
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
# Zeiten von Plänen.
parts-every-day = jeden Tag
parts-days-from-to = { $first } bis { $last }
parts-on-day = am { $day }
parts-dates-between = vom { $first } bis { $last }
parts-dates-from = ab { $first }
parts-dates-until = bis { $last }
parts-all-day = den ganzen Tag
parts-24-hours = 24 Stunden ab { $from }

# Speichern, was mehrere ändern.
parts-saved = { $name } wurde gespeichert.
parts-taken-back = Es wurde zurückgenommen.
parts-clash-title = Jemand anderes hat dasselbe geändert
parts-clash-text = Noch ist nichts gespeichert. Wählen Sie für jedes, was gelten soll; alles andere, was Sie geändert haben, wird mit gespeichert.
parts-clash-field-of = { $field } von { $name }
parts-clash-mine = Ihre Fassung:
parts-clash-theirs = Die andere:
parts-clash-before = Vorher war es: { $value }
parts-clash-removed = herausgenommen

# Warum etwas läuft oder nicht.
told-daypart = Es ist das Zeitfenster { $daypart }, { $start } bis { $end }, Vorrang { $priority }.
told-daypart_after_others = Es ist das Zeitfenster { $daypart }, { $start } bis { $end }, Vorrang { $priority }. Von { $passed }, das zuerst käme, kann dann nichts gezeigt werden.
told-default = Dann ist kein Zeitfenster offen: Es läuft, was sonst läuft.
told-default_after_others = Von { $passed } kann dann nichts gezeigt werden: Es läuft, was sonst läuft.
told-nothing = Dann ist kein Zeitfenster offen, und sonst läuft nichts.
told-nothing_after_others = Von { $passed } kann dann nichts gezeigt werden, und sonst läuft nichts.
told-no_playlist = Die Playlist davon ist nicht im Plan
told-closed = ist geschlossen bis { $when }
told-closed_for_long = öffnet in den nächsten { $days } Tagen nicht
told-no_items = ist offen, aber die Playlist davon ist leer
told-no_item_now = ist offen, aber nichts davon kann gezeigt werden: { $why }
told-ends_now = endet gleich
told-outranked = ist offen, aber { $winner } hat den höheren Vorrang ({ $priority }, nicht { $own })
told-opened_earlier = ist offen, aber { $winner } mit gleichem Vorrang begann später
told-stands_behind = ist offen, aber { $winner } mit gleichem Vorrang steht davor


# Was geändert und noch nicht veröffentlicht ist.
parts-not-published = { $changes ->
    [one] Eine Änderung ist noch nicht veröffentlicht
   *[other] { $changes } Änderungen sind noch nicht veröffentlicht
}
parts-more-changes = { $count ->
    [one] Eine weitere Änderung
   *[other] { $count } weitere Änderungen
}
parts-change-document-added = { $kind ->
    [playlist] Playlist „{ $document }“ wird ab jetzt gezeigt
    [schedule] Der Sendeplan von „{ $document }“ ist neu
   *[campaign] Kampagne „{ $document }“ wird ab jetzt gezeigt
}
parts-change-document-removed = { $kind ->
    [playlist] Playlist „{ $document }“ wird nicht mehr gezeigt
    [schedule] Der Sendeplan von „{ $document }“ wird entfernt
   *[campaign] Kampagne „{ $document }“ wird nicht mehr gezeigt
}
parts-change-document-over = { $kind ->
   *[campaign] „{ $document }“ ist vorbei
}
parts-change-document-changed = { $kind ->
    [playlist] Playlist „{ $document }“: { $fields }
    [schedule] Sendeplan von „{ $document }“: { $fields }
   *[campaign] Kampagne „{ $document }“: { $fields }
}
parts-change-part-added = „{ $name }“ kommt zu „{ $document }“ hinzu
parts-change-part-removed = „{ $name }“ wird aus „{ $document }“ genommen
parts-change-part-over = „{ $name }“ aus „{ $document }“ ist vorbei
parts-change-part-moved = „{ $name }“ hat in „{ $document }“ einen anderen Platz
parts-change-part-changed = „{ $name }“ in „{ $document }“: { $fields }
parts-field-other = andere Einstellungen
parts-field-name = anderer Name
parts-field-title = anderer Titel
parts-field-media = anderer Film oder anderes Bild
parts-field-duration_ms = andere Dauer
parts-field-fit = andere Einpassung
parts-field-background = anderer Hintergrund
parts-field-volume = andere Lautstärke
parts-field-loop = wiederholt oder nicht
parts-field-zone = andere Zeitzone
parts-field-default_playlist = andere übliche Playlist
parts-field-playlist = andere Playlist
parts-field-weekdays = andere Wochentage
parts-field-start = anderer Beginn
parts-field-end = anderes Ende
parts-field-priority = anderer Vorrang
parts-field-first_day = anderer erster Tag
parts-field-last_day = anderer letzter Tag
parts-field-starts_at = anderer Beginn
parts-field-ends_at = anderes Ende
parts-field-share_ppm = anderer Anteil
parts-field-weight = anderes Gewicht
parts-field-fallback = anderes Ersatzbild
parts-field-windows = andere Zeiten
parts-field-text = anderer Text

# Was Personen und Schlüssel dürfen, und Geheimnisse, die einmal gezeigt werden.
parts-role = Darf überall
parts-role-help = Jede Rolle darf, was die davor dürfen; nur Techniker betreuen allein die Bildschirme.
parts-role-none = Nichts
parts-role-viewer = Ansehen: sieht alles, ändert nichts
parts-role-editor = Bearbeiten: Medien, Playlists, Sendepläne, Kampagnen
parts-role-publisher = Veröffentlichen: bearbeitet und bringt es auf die Bildschirme
parts-role-technician = Bildschirme: koppelt und betreut Bildschirme
parts-role-administrator = Alles: auch Personen, Schlüssel und Bereiche
parts-role-name-viewer = Sieht an
parts-role-name-editor = Bearbeitet
parts-role-name-publisher = Veröffentlicht
parts-role-name-technician = Betreut Bildschirme
parts-role-name-administrator = Darf alles
parts-role-in = { $role } ({ $space })
parts-rights-in-spaces = Und in diesen Bereichen:
parts-copy = Kopieren
parts-copied = Kopiert
parts-have-it = Ich habe es
# Der Verlauf eines Plans.
parts-history = Wer was geändert hat
parts-somebody = Jemand
parts-take-back = Zurücknehmen
parts-did-created = Es wurde angelegt.
parts-did-published = Es wurde veröffentlicht.
parts-did-removed = Es wurde entfernt.
parts-part-added = { $name } wurde hinzugefügt.
parts-part-removed = { $name } wurde herausgenommen.
parts-part-moved = { $name } wurde verschoben.
parts-changed-fields = Geändert: { $fields }.
parts-changed-fields-of = Geändert an { $name }: { $fields }.
parts-changed-more = { $count ->
    [one] Und eine weitere Änderung.
   *[other] Und { $count } weitere Änderungen.
}
