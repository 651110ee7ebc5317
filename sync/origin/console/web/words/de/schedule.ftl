# Was wann läuft: Kanäle, Woche, Monat.
schedule-title = Sendeplan
schedule-lead = Ein Kanal ist, was eine Gruppe von Bildschirmen spielt. Öffnen Sie einen, um zu sagen, was wann läuft.
schedule-none = Es gibt noch keinen Kanal
schedule-none-text = Ein Kanal ist, was eine Gruppe von Bildschirmen spielt, zum Beispiel „Schaufenster“. Legen Sie einen an, dann sagen Sie, was wann läuft.
schedule-new-channel = Neuer Kanal
schedule-make = Anlegen
schedule-channel = Name
schedule-channel-help = Zum Beispiel „laden“ oder „speisekarten“: Unter diesem Namen werden ihm Bildschirme zugeteilt.
schedule-channel-called = Er wird { $channel } heißen: Namen von Kanälen bestehen aus einfachen Buchstaben, Ziffern, Punkten und Strichen.
schedule-all-channels = Alle Kanäle
schedule-channel-menu = Mehr zu diesem Kanal
schedule-screens = { $count ->
    [0] Keine Bildschirme
    [one] 1 Bildschirm
   *[other] { $count } Bildschirme
}
schedule-never-published = Nie veröffentlicht
schedule-release = Ausgabe { $sequence } ist veröffentlicht
schedule-is-draft = Entwurf, noch nicht bereit
schedule-week = Woche
schedule-month = Monat
schedule-week-or-month = Woche oder Monat
schedule-week-of = Woche vom { $first } bis { $last }
schedule-between = { $first } – { $last }
schedule-hours = Die Stunden dieser Tage
schedule-today = Heute
schedule-before = Frühere Tage
schedule-after = Spätere Tage
schedule-month-before = Der Monat davor
schedule-month-after = Der nächste Monat
schedule-which-plan = Welcher Plan
schedule-planned = Wie geplant
schedule-published = Wie veröffentlicht
schedule-not-published-yet = Auf diesem Kanal wurde noch nichts veröffentlicht: Seine Bildschirme zeigen noch keinen Plan. Sehen Sie ihn an, wie er geplant ist.
schedule-times-in = Alle Zeiten sind die von { $zone }.
schedule-times-unknown = Dieser Kanal nennt keine Zeitzone, also geht jeder Bildschirm nach seiner eigenen; was Sie hier sehen, ist in UTC. Wählen Sie die Zone unten in den Einstellungen.
schedule-zone-is = Zeit in { $zone }
schedule-how-to-draw = Drücken Sie auf eine freie Zeit und ziehen Sie, um ein Zeitfenster anzulegen, auch über mehrere Tage. Ziehen Sie eines, um es zu verschieben, seinen unteren Rand, um es zu verlängern; mit der Umschalttaste in Schritten von fünf Minuten. Mit der Tastatur: Pfeile verschieben es, Umschalt mit Pfeilen ändert sein Ende.
schedule-new = Neues Zeitfenster
schedule-add-on = Neues Zeitfenster am { $day }
schedule-daypart = Zeitfenster
schedule-dayparts = Zeitfenster
schedule-no-dayparts = Noch keine Zeitfenster
schedule-no-dayparts-text = Jeden Tag läuft den ganzen Tag dasselbe. In einem Zeitfenster läuft etwas anderes, zum Beispiel werktags von 11:00 bis 14:00 die Mittagskarte.
schedule-order = Wo sich Zeitfenster überschneiden, läuft das mit dem höheren Vorrang; von gleichen das, das zuletzt begann; dann das obere in dieser Liste. Eines, das nichts zu zeigen hat, macht Platz.
schedule-plays = spielt { $name }
schedule-default-plays = Sonst läuft { $name }
schedule-nothing-plays = Nichts: Bildschirme zeigen das Ersatzbild
schedule-fallback = das Ersatzbild
schedule-unknown-playlist = eine Playlist, die Sie nicht sehen können
schedule-lost = { $time }: Stattdessen läuft { $winner }.
schedule-overlap = überschneidet sich
schedule-more = { $count ->
    [one] und 1 weiteres
   *[other] und { $count } weitere
}
schedule-clocks-forward = An diesem Tag wird die Uhr vorgestellt: Eine Stunde fällt aus.
schedule-clocks-back = An diesem Tag wird die Uhr zurückgestellt: Eine Stunde kommt zweimal.
schedule-name = Name
schedule-name-example = Mittagskarte
schedule-playlist = Playlist
schedule-choose = Playlist wählen
schedule-new-playlist = Name einer neuen Playlist
schedule-new-playlist-help = Es gibt noch keine Playlist. So entsteht eine leere; fügen Sie danach Medien ein, sonst kann sie nicht veröffentlicht werden.
schedule-ways = Wie oft
schedule-weekly = Jede Woche
schedule-on-dates = An bestimmten Tagen
schedule-first-day = Erster Tag
schedule-last-day = Letzter Tag
schedule-weekdays = Wochentage
schedule-no-weekday = Wählen Sie mindestens einen Wochentag.
schedule-whole-day = Den ganzen Tag
schedule-start = Von
schedule-end = Bis
schedule-end-help = Zeit in { $zone }. Ein Ende vor dem Anfang liegt am nächsten Tag.
schedule-overlaps = Wo es sich mit anderen überschneidet
schedule-priority = Vorrang
schedule-priority-help = 0 ist normal. Die höhere Zahl läuft; bei gleichen Zahlen, was zuletzt begann.
schedule-emergency = Ab 1.000 ist es ein Notfall: Wird es veröffentlicht, während es läuft, holen es alle Bildschirme sofort.
schedule-remove = Entfernen
schedule-remove-named = { $name } entfernen?
schedule-remove-text = Geplant ist es für { $when }. Zu diesen Zeiten läuft das nächste im Rang, oder was sonst läuft. Seine Playlist bleibt.
schedule-duplicate = Duplizieren
schedule-exception = Ausnahme an einigen Tagen
schedule-exception-of = An einem Tag etwas anderes
schedule-exception-to = Statt { $name } am { $day }
schedule-changed = { $name } ist jetzt: { $when }.
schedule-added = { $name } wurde hinzugefügt: { $when }.
schedule-removed = { $name } wurde entfernt.
schedule-duplicated = Es gibt jetzt eine Kopie von { $name }.
schedule-settings = Einstellungen
schedule-settings-change = Ändern
schedule-settings-of = Einstellungen von { $channel }
schedule-settings-saved = Die Einstellungen wurden gespeichert.
schedule-zone = Zeitzone
schedule-zone-help = Wo seine Bildschirme stehen, zum Beispiel Europe/Berlin. Alle Zeiten des Plans gelten in dieser Zone.
schedule-no-zone = keine: Jeder Bildschirm nimmt seine eigene
schedule-default = Läuft sonst
schedule-default-help = Was läuft, wenn kein Zeitfenster gilt. Eine Änderung zeigen Bildschirme mit der nächsten Ausgabe.
schedule-nothing = nichts
schedule-breaks = Werbung
schedule-breaks-are = { $ads ->
    [one] 1 Spot
   *[other] { $ads } Spots
} nach { $every ->
    [one] jedem Eintrag
   *[other] je { $every } Einträgen
}
schedule-ads = Spots in einer Pause
schedule-every-items = Eine Pause nach so vielen Einträgen
schedule-fallback-picture = Bild, wenn nichts laufen kann
schedule-fallback-own = das eigene des Players
schedule-fallback-help = Es erscheint, wenn nichts anderes laufen kann.
schedule-place = Stelle
schedule-none-set = nichts
schedule-remove-channel = Diesen Kanal entfernen
schedule-remove-channel-named = Den Kanal { $channel } entfernen?
schedule-remove-channel-text = { $count ->
    [0] Seine Einstellungen gehen mit ihm. Playlists und Medien bleiben.
    [one] Sein Zeitfenster und seine Einstellungen gehen mit ihm. Playlists und Medien bleiben.
   *[other] Seine { $count } Zeitfenster und seine Einstellungen gehen mit ihm. Playlists und Medien bleiben.
}
schedule-remove-published = Er wurde veröffentlicht. Bildschirme zählen seine Ausgaben, deshalb behält ihn der Server: Er kann nicht entfernt werden. Teilen Sie seine Bildschirme stattdessen einem anderen Kanal zu.
schedule-at = Was läuft am …
schedule-at-day = Tag
schedule-at-time = Uhrzeit
schedule-at-plays-planned = Am { $day } um { $time } würde laufen:
schedule-at-plays-published = Am { $day } um { $time } läuft, wie veröffentlicht:
schedule-at-others = { $count ->
    [one] Warum nicht das andere
   *[other] Warum nicht die { $count } anderen
}
schedule-see-it = In der Vorschau ansehen
