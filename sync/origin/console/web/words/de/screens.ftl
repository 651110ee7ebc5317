# Die Bildschirme: alle, und die Seite eines einzelnen.
screens-title = Bildschirme
screens-lead = Die schlimmsten zuerst. Jeder Satz sagt, wie alt er ist; was noch niemand gemessen hat, steht als „erwartet“ da.
screens-filter = Welche Bildschirme
screens-filter-all = Alle
screens-filter-dark = Dunkel
screens-filter-silent = Nicht gehört
screens-filter-warning = Mit Problemen
screens-filter-fine = Gut
screens-search = Bildschirme suchen
screens-channel = Kanal
screens-all-channels = Alle Kanäle
screens-choose-channel = Wählen …
screens-sort = { $sort ->
    [worst] Die schlimmsten zuerst
    [name] Nach Namen
    [channel] Nach Kanal
    [seen_at] Am längsten nicht gehört
   *[other] Neueste zuerst
}
screens-look = Wie sie gezeigt werden
screens-look-table = Tabelle
screens-look-pictures = Bilder
screens-level-dark = Dunkel
screens-level-silent = Nicht gehört
screens-level-warning = Hat Probleme
screens-level-late = Kommt zu spät
screens-level-changing = Wechselt
screens-level-new = Nie gehört
screens-level-fine = Gut
screens-expected = erwartet
screens-said = gesagt { $ago }
screens-says-new = Gekoppelt, hat sich aber noch nicht gemeldet. Ist er eingeschaltet und am Netz?
screens-says-silent = Nicht gehört. Zuletzt zeigte er „{ $title }“; ohne Netz spielt er weiter. Strom und Netz prüfen.
screens-says-silent-nothing = Nicht gehört. Strom und Netz prüfen.
screens-says-fallback = Er zeigt das Ersatzbild statt seines Programms.
screens-says-nothing = Er zeigt nichts.
screens-says-problem = { $text }
screens-says-item = Spielt „{ $title }“
screens-says-ad = Spielt die Werbung „{ $title }“
screens-says-blank = Am Bildschirm auf Anweisung ausgeschaltet
screens-says-behind = Er spielt noch Ausgabe { $sequence }; sein Kanal ist bei { $newest }.
screens-says-without = Er hat noch keine Ausgabe; sein Kanal ist bei { $newest }.
screens-says-late = Zu spät für „{ $what }“{ $more ->
    [0] .
    [one] {" "}und noch eines.
   *[other] {" "}und { $more } weitere.
}
screens-says-fetching = Holt seine nächste Ausgabe: { $percent } % sind da
screens-says-published = Ausgabe { $newest } wurde eben veröffentlicht und ist gleich da
screens-release = Ausgabe { $sequence }
screens-none-published = Nichts veröffentlicht
screens-fetching = Wird geholt
screens-none = Noch kein Bildschirm
screens-none-text = Schließen Sie einen Player an einen Bildschirm an: er zeigt einen Code. Mit dem Code gehört er Ihnen.
screens-none-found = Kein Bildschirm passt
screens-none-found-text = Suchen Sie nach einem anderen Wort, oder zeigen Sie alle.
screens-show-all = Alle zeigen
screens-count = { $count ->
    [one] Ein Bildschirm
   *[other] { $count } Bildschirme
}
screens-chosen = { $count ->
    [one] Ein Bildschirm gewählt
   *[other] { $count } Bildschirme gewählt
}
screens-unchoose = Keinen wählen
screens-move = Kanal ändern
screens-remove = Entfernen
screens-failed = { $count ->
    [one] Bei { $names } ging es nicht: { $why }
   *[other] Bei { $count } Bildschirmen ging es nicht, etwa { $names }: { $why }
}

# Koppeln
screens-pair = Bildschirm koppeln
screens-pair-title = Bildschirm koppeln
screens-pair-do = Koppeln
screens-pair-text = Schalten Sie den Player ein. Er zeigt einen Code; tippen Sie ihn hier ein.
screens-code = Code auf dem Bildschirm
screens-code-help = Groß oder klein ist gleich.
screens-its-name = Name des Bildschirms
screens-its-name-help = Wo er hängt, etwa „Fenster Hauptstraße“. Bleibt es leer, behält er seinen.
screens-channel-help = Was er spielen wird.
screens-paired = { $name } spielt nun den Kanal { $channel }.
screens-look-at-it = Zeigen
screens-pair-them = Koppeln
screens-waiting = { $count ->
    [one] Ein Bildschirm wartet darauf, gekoppelt zu werden: { $names }
   *[other] { $count } Bildschirme warten darauf, gekoppelt zu werden: { $names }
}
screens-that-wait = Es warten:
screens-waits = { $name } (sein Code gilt bis { $until })

# Fenster
screens-rename-title = Bildschirm umbenennen
screens-move-title = { $what }: Kanal ändern
screens-move-do = Kanal ändern
screens-move-text = Ein Bildschirm spielt weiter, was er hat, bis alles vom anderen Kanal da ist.
screens-remove-title = { $what } entfernen?
screens-remove-do = Entfernen
screens-remove-text = Er bekommt ab jetzt nichts Neues und spielt, was er hat, bis er wieder gekoppelt wird. Sein Spielnachweis bleibt.
screens-fetch-title = Die nächste Ausgabe auf { $name } jetzt holen?
screens-fetch-do = Jetzt holen
screens-fetch-text = Ihre Medien kommen, obwohl die Datenmenge des Monats verbraucht ist. Das kann kosten, was der Vertrag seiner Leitung sagt. Die Ausgabe danach wartet wieder.

# Ein Bildschirm
screens-gone = Diesen Bildschirm gibt es hier nicht
screens-gone-text = Er wurde entfernt, oder die Adresse ist vertippt.
screens-part-now = Jetzt
screens-part-history = Verlauf
screens-part-proof = Spielnachweis
screens-part-keys = Schlüssel
screens-on-screen = Auf dem Bildschirm
screens-shows = Zeigt
screens-showed = Zeigte zuletzt
screens-kind-item = aus einer Playlist
screens-kind-ad = eine Werbung
screens-kind-fallback = Ersatzbild
screens-kind-blank = auf Anweisung ausgeschaltet
screens-since = Seit
screens-next = Danach
screens-why = Warum
screens-why-channel = Sendeplan von { $channel } ansehen
screens-why-daypart = durch das Zeitfenster „{ $daypart }“
screens-why-default = weil jetzt nichts anderes geplant ist
screens-why-until = bis { $until }
screens-no-photograph = Das Bild ist das des Mediums, kein Foto des Bildschirms.
screens-content = Inhalt
screens-content-none = Auf { $channel } ist noch nichts veröffentlicht.
screens-content-newest = Er hat die neueste Ausgabe, { $sequence }.
screens-confirmed = Vom Server bestätigt { $ago }.
screens-content-expected = Ausgabe { $newest } wurde eben veröffentlicht. Der Bildschirm holt sie von selbst bis etwa { $by }.
screens-behind-do = Er holt Ausgaben von selbst. Bleibt es so: seine Probleme ansehen, sein Netz, und ob auf seiner Platte Platz ist.
screens-coming = { $sequence ->
    [0] Er holt, was ihm verloren ging: { $done } von { $all } sind da.
   *[other] Er holt Ausgabe { $sequence }: { $done } von { $all } sind da.
}
screens-ready = Fertig um { $at }
screens-ready-unknown = Noch weiß niemand, wann sie fertig ist.
screens-too-late = „{ $what }“ beginnt um { $at } und ist bis dahin nicht da.
screens-more-late = { $count ->
    [one] Und noch eines.
   *[other] Und { $count } weitere.
}
screens-budget-waits = Die Datenmenge von { $month } ist verbraucht: die Medien seiner nächsten Ausgabe warten auf den nächsten Monat.
screens-budget-asked = Der Bildschirm erfährt bei seiner nächsten Meldung, dass er die nächste Ausgabe jetzt holen soll.
screens-budget-done = Er holt seine nächste Ausgabe, was auch die Datenmenge des Monats ist.
screens-outbox = { $count ->
    [one] Ein Spielnachweis wartet auf die Übertragung.
   *[other] { $count } Spielnachweise warten auf die Übertragung.
}
screens-problems = Probleme
screens-problems-none = Keine gemeldet.
screens-problems-unknown = Er hat sich noch nicht gemeldet.
screens-problem-old = Das sagte er, bevor die neueste Ausgabe kam. Bei seiner nächsten Meldung ist es wohl vorbei.
screens-in-its-words = Was der Bildschirm sagte
screens-health = Zustand
screens-health-cpu = Prozessor
screens-health-memory = Speicher
screens-health-temperature = Temperatur
screens-health-disk = Frei auf der Platte
screens-health-display = Anzeige
screens-health-clock = Uhr
screens-health-traffic = Gesendet und empfangen
screens-health-uptime = Läuft seit
screens-health-zone = Zeitzone
screens-health-version = Version
screens-health-paired = Gekoppelt
screens-clock-synced = von einem Zeitserver gestellt
screens-clock-unsynced = von keinem Zeitserver gestellt
screens-display-on = angeschlossen
screens-display-off = nicht angeschlossen
screens-month = { $used } in { $month }
screens-month-of = { $used } von { $budget } in { $month }

# Verlauf
screens-history = Verlauf
screens-history-none = Noch ist nichts aufgezeichnet.
screens-history-more = Ältere zeigen
screens-times-of = Zeiten von { $zone }
screens-still = (immer noch)
screens-history-screen-off = Anzeige aus
screens-history-screen-on = Anzeige an
screens-history-screen-disconnected = Anzeige abgesteckt
screens-history-screen-unknown = Niemand weiß, ob die Anzeige an war
screens-history-contact-lost = Nicht gehört
screens-history-contact-back = Wieder gehört
screens-history-problem-began = { $text }
screens-history-problem-ended = Vorbei: { $text }
screens-history-player-stopped = { $code ->
    [killed] Der Player ist abgebrochen oder wurde beendet
    [power] Ohne Strom, oder neu gestartet
   *[other] Der Player hielt an
}
screens-history-player-started = Player { $text } gestartet
screens-history-release-activated = Ausgabe { $number } ist auf dem Bildschirm
screens-history-device-paired = Gekoppelt, auf Kanal { $text }
screens-history-device-removed = Entfernt
screens-history-device-let-through = { $text }
screens-history-device-moved = Kanal geändert: { $text }
screens-history-device-renamed = Umbenannt: { $text }
screens-history-clock = { $way ->
    [forward] Die Uhr wurde um { $seconds } s vorgestellt
   *[back] Die Uhr wurde um { $seconds } s zurückgestellt
}

# Spielnachweis
screens-proof = Spielnachweis
screens-proof-again = Neu prüfen
screens-proof-none = Noch ist nichts angekommen.
screens-proof-whole = Vollständig
screens-proof-broken = Nicht vollständig
screens-proof-plays = { $count ->
    [one] Ein Abspielen in den letzten 31 Tagen
   *[other] { $count } Mal abgespielt in den letzten 31 Tagen
}
screens-proof-missing = { $count ->
    [one] Ein Eintrag fehlt. Der Bildschirm sendet ihn noch einmal, wenn er ihn noch hat.
   *[other] { $count } Einträge fehlen. Der Bildschirm sendet sie noch einmal, wenn er sie noch hat.
}
screens-proof-forks = { $count ->
    [one] Das Protokoll teilt sich einmal: vielleicht laufen zwei Geräte als dieser Bildschirm.
   *[other] Das Protokoll teilt sich { $count } Mal: vielleicht laufen zwei Geräte als dieser Bildschirm.
}
screens-proof-conflicts = { $count ->
    [one] Ein Eintrag widerspricht einem anderen.
   *[other] { $count } Einträge widersprechen anderen.
}
screens-proof-checkpoints = { $count ->
    [one] Eine Unterschrift passt nicht.
   *[other] { $count } Unterschriften passen nicht.
}
screens-proof-signed = Unterschrieben bis { $until }.
screens-proof-unsigned = Nicht unterschrieben.
screens-proof-resets = { $count ->
    [one] Das Protokoll begann einmal neu.
   *[other] Das Protokoll begann { $count } Mal neu.
}
screens-aside = { $count ->
    [one] Ein Eintrag zählt nicht
   *[other] { $count } Einträge zählen nicht
}
screens-count-plays = { $count ->
    [one] Einen unbestätigten Eintrag zählen
   *[other] { $count } unbestätigte Einträge zählen
}
screens-count-do = Zählen
screens-count-note = Woher wissen Sie, dass sie gezeigt wurden?
screens-count-text = Der Bildschirm sagt, dass er sie gezeigt hat, aber sie passen nicht zu dem, was dieser Server weiß: eine Uhr ging falsch, oder der Server kam aus einer Sicherung zurück. Ab jetzt zählen sie in allen Summen, als Nachweis für die, die dafür zahlen. Das lässt sich nicht zurücknehmen; wer den Nachweis liest, sieht Ihren Namen und Ihre Bemerkung. Was sich selbst oder anderem widerspricht, zählt weiter nicht.
screens-counted = { $count ->
    [one] Ein Eintrag zählt ab jetzt.
   *[other] { $count } Einträge zählen ab jetzt.
}

# Schlüssel
screens-keys = Schlüssel
screens-keys-text = Ein Bildschirm unterschreibt seinen Spielnachweis mit einem eigenen Schlüssel, den dieser Server beglaubigt hat.
screens-keys-none = Noch kein Schlüssel
screens-keys-none-text = Sein Nachweis ist nicht unterschrieben. Beim nächsten Kontakt bittet er um eine Beglaubigung.
screens-key-current = Unterschreibt jetzt
screens-key-earlier = Früher
screens-key-revoked = Widerrufen
screens-key-since = Zertifikat { $serial }, seit { $at }
screens-key-unproven = Niemand hat bewiesen, dass der Antragsteller dieses Schlüssels den vorigen hatte.
screens-revoke = Widerrufen
screens-revoked = Widerrufen { $at } von { $by }: { $note }
screens-revoke-title = Einen Schlüssel von { $name } widerrufen?
screens-revoke-text = Was er ab jetzt unterschreibt, gilt nichts: jemand anders könnte den Schlüssel haben. Der Bildschirm macht binnen einer Stunde einen neuen. Das lässt sich nicht zurücknehmen, und wer den Nachweis liest, sieht Ihre Bemerkung.
screens-revoke-why = Warum?
screens-two = Zwei Geräte als ein Bildschirm
screens-two-text = Vielleicht wurde eine Karte oder Platte kopiert. Eines der beiden bekommt eine eigene Identität.
screens-two-do = Eigene Identität geben
screens-two-title = Zwei Geräte laufen als { $name }
screens-two-what = Eines wird bei seiner nächsten Meldung ein eigener Bildschirm; das andere bleibt, was es ist. Der vorhandene Nachweis bleibt bei ihm. Der gemeinsame Schlüssel wird widerrufen.
screens-two-which = Welches Gerät wird ein anderer Bildschirm?
screens-two-none = Keines: es ist ein Gerät, aus einer Sicherung zurückgeholt
screens-two-name = Sein Name
screens-machine = Gestartet als { $id }, hier seit { $since }, zuletzt an der Reihe { $last }

# Was Bildschirme melden, und was zu tun ist
screens-problem-trust = Er weist zurück, was er geschickt bekommt
screens-do-trust = Er spielt weiter, was er hat. Wurden die Schlüssel des Servers gewechselt, soll der Betreuer nachsehen; sonst neu koppeln.
screens-problem-power_weak = Sein Netzteil ist zu schwach
screens-do-power_weak = Ein passendes Netzteil und ein kurzes Kabel nehmen.
screens-problem-throttled = Hitze oder zu wenig Spannung bremst ihn
screens-do-throttled = Für Luft und ein passendes Netzteil sorgen.
screens-problem-too_hot = Er ist zu heiß
screens-do-too_hot = Für Luft sorgen: kein enges Gehäuse, keine Sonne.
screens-problem-disk_full = Seine Platte ist fast voll
screens-do-disk_full = Etwas aus seiner Playlist nehmen, oder eine größere Platte einbauen.
screens-problem-memory_full = Sein Speicher ist fast voll
screens-do-memory_full = Andere Programme darauf beenden.
screens-problem-overloaded = Er hat mehr zu tun, als er kann
screens-do-overloaded = Filme kleiner schicken, oder andere Programme darauf beenden.
screens-problem-clock = Seine Uhr wird von keinem Server gestellt
screens-do-clock = Ihn einen Zeitserver erreichen lassen.
screens-problem-display_server = Seine Grafik antwortet nicht
screens-do-display_server = Den Player neu starten; geschieht es wieder, sein Protokoll ansehen.
screens-problem-covered = Ein anderes Programm verdeckte den Bildschirm
screens-do-covered = Dieses Programm beenden; nur der Player soll Fenster zeigen.
screens-problem-no_display = Keine Anzeige ist angeschlossen
screens-do-no_display = Das Kabel und den Strom der Anzeige prüfen.
screens-problem-display_setting = Die Anzeige kann nicht, was eingestellt ist
screens-do-display_setting = In den Einstellungen des Players eine andere Größe oder Rate wählen.
screens-problem-audio_output = Der Ton kommt aus einem anderen Ausgang als gewollt
screens-do-audio_output = Den Ausgang anschließen, oder in den Einstellungen einen anderen wählen.
screens-problem-backdrop = Sein Ersatzbild lässt sich nicht zeigen
screens-do-backdrop = Für den Kanal ein anderes Ersatzbild wählen.
screens-problem-overlays = Texte und Logos lassen sich nicht zeigen
screens-do-overlays = Den Player neu starten; geschieht es wieder, sein Protokoll ansehen.
screens-problem-update = Seine Aktualisierung startet nicht
screens-do-update = Er läuft mit dem vorigen Programm weiter. Die Aktualisierung noch einmal einspielen.
screens-problem-decks = Seine Filmspieler fallen aus oder starten nicht
screens-do-decks = Das Gerät neu starten; geschieht es wieder, sein Protokoll ansehen.
screens-problem-picture = Das Bild stand still oder war schwarz, in der letzten Stunde
screens-do-picture = Der Player hat es behoben. Geschieht es oft, ansehen, welcher Film es war.
screens-problem-recovered = Nur ein Neustart hat das Bild behoben
screens-do-recovered = Geschieht es oft, Hitze und Strom prüfen.
screens-problem-quarantined = Medien bleiben weg, weil sie dreimal scheiterten
screens-do-quarantined = Sie in einem anderen Format noch einmal schicken.
screens-problem-damaged = Medien waren auf seiner Platte beschädigt und werden neu geholt
screens-do-damaged = Einmal ist keinmal; geschieht es wieder, geht seine Platte kaputt.
screens-problem-unplayable = Medien lassen sich auf ihm nicht zeigen
screens-do-unplayable = Sie in einem anderen Format noch einmal schicken.
screens-problem-media_failed = Medien ließen sich nicht zeigen
screens-do-media_failed = Der Player prüft ihre Dateien und sagt bald mehr.
screens-problem-old_player = Teile der Ausgabe brauchen einen neueren Player
screens-do-old_player = Den Player aktualisieren.
screens-problem-stream = Ein Stream spielt nicht
screens-do-stream = Prüfen, ob seine Adresse noch gilt und ob der Bildschirm sie erreichen darf.
screens-problem-schedule = Der Sendeplan lässt sich nicht einhalten
screens-do-schedule = Den Sendeplan seines Kanals ansehen.
screens-problem-overbooked = Es ist mehr Werbung gebucht, als Plätze da sind
screens-do-overbooked = Die Kampagnen seines Kanals ansehen.
screens-problem-service = Ein Teil des Players ist ausgefallen und neu gestartet
screens-do-service = Geschieht es oft, sein Protokoll ansehen.
screens-problem-failed_starts = Der Player scheiterte beim Start
screens-do-failed_starts = Er versucht es wieder. Sein Protokoll ansehen.
screens-problem-settings = Eine seiner Einstellungen ist falsch oder gilt erst nach dem nächsten Start
screens-do-settings = Die Einstellungen des Players berichtigen, oder ihn neu starten.
screens-problem-files = Dateien des Players sind beschädigt
screens-do-files = Seine Platte prüfen; `signage-player doctor` sagt, welche es sind.
screens-problem-endpoint = Seine eigene Seite lässt sich nicht öffnen
screens-do-endpoint = Vielleicht nutzt ein anderes Programm seinen Port: in den Einstellungen einen anderen wählen.
screens-problem-token = Das Kennwort seiner eigenen Seite lässt sich nicht speichern
screens-do-token = Seine Platte prüfen.
screens-problem-unpaired = Er ist nicht gekoppelt
screens-do-unpaired = Mit dem Code koppeln, den er zeigt.
screens-problem-connection = Er kann den Server nicht nutzen, mit dem er gekoppelt werden soll
screens-do-connection = Die Adresse in seinen Einstellungen prüfen.
screens-problem-origin_move = Der Server an der neuen Adresse ist nicht als der alte bekannt
screens-do-origin_move = Dem neuen Server die Schlüssel des alten geben, oder neu koppeln.
screens-problem-sync = Er kann Neues nicht holen
screens-do-sync = Er spielt weiter, was er hat, und versucht es wieder. Sein Netz prüfen.
screens-problem-unconfirmed = Der Server hat seine Ausgabe länger nicht bestätigt
screens-do-unconfirmed = Er spielt weiter. Sein Netz prüfen.
screens-problem-late_release = Eine Ausgabe ist nicht rechtzeitig fertig
screens-do-late_release = Früher veröffentlichen, kleinere Filme schicken, oder eine schnellere Leitung geben.
screens-problem-plays_wait = Viele Spielnachweise warten auf die Übertragung
screens-do-plays_wait = Sie bleiben aufgehoben, bis er wieder ein Netz hat.
screens-problem-budget = Die Datenmenge des Monats ist verbraucht
screens-do-budget = Seine Ausgabe jetzt holen, oder auf den nächsten Monat warten.
screens-problem-budget_count = Die Datenmenge des Monats lässt sich nicht zählen
screens-do-budget_count = Seine Platte prüfen.
screens-problem-ledger = Sein Protokoll lässt sich nicht schreiben, oder begann neu
screens-do-ledger = Seine Platte prüfen: was nicht aufgezeichnet wird, lässt sich nicht nachweisen.
screens-problem-signing = Sein Protokoll lässt sich nicht unterschreiben
screens-do-signing = Seine Schlüssel ansehen.
screens-problem-identity = Zwei Geräte scheinen als dieser Bildschirm zu laufen
screens-do-identity = Einem von ihnen eine eigene Identität geben, auf der Seite „Schlüssel“.
