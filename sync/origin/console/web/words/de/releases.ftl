releases-title = Veröffentlichen
releases-lead = Was Sie ändern, bleibt hier, bis Sie es veröffentlichen. Dann bekommen es die Bildschirme.
releases-tab-now = Zu veröffentlichen
releases-tab-planned = Geplant
releases-tab-reviews = Prüfungen
releases-tab-reviews-open = Prüfungen ({ $count })
releases-tab-earlier = Früher veröffentlicht
releases-no-channel = Noch kein Kanal
releases-no-channel-text = Ein Kanal ist, was eine Gruppe von Bildschirmen zeigt. Legen Sie im Sendeplan einen an und veröffentlichen Sie ihn hier.
releases-to-schedule = Zum Sendeplan
releases-all-channels = Alle Kanäle zeigen
releases-number = Ausgabe { $sequence }
releases-never = Nie veröffentlicht
releases-screens = { $count ->
    [0] keine Bildschirme
    [one] ein Bildschirm
   *[other] { $count } Bildschirme
}
releases-publish = Veröffentlichen …
releases-later = Zu einer Zeit …
releases-same = Veröffentlicht wie geplant
releases-changes = { $count ->
    [one] Eine Änderung ist noch nicht veröffentlicht
   *[other] { $count } Änderungen sind noch nicht veröffentlicht
}
releases-changes-of = Was sich auf { $channel } ändert
releases-refused = So lässt sich das nicht veröffentlichen:
releases-drafts = { $count ->
    [one] Ein Entwurf bliebe zurück: { $names }.
   *[other] { $count } Entwürfe blieben zurück: { $names }.
}
releases-publish-title = { $channel } veröffentlichen?
releases-publish-now = Jetzt veröffentlichen
releases-nothing-changes = Auf den Bildschirmen ändert sich nichts.
releases-take-drafts = Diese Entwürfe auch veröffentlichen:
releases-draft-playlist = Die Playlist { $name }
releases-draft-schedule = Den Sendeplan von { $name }
releases-draft-campaign = Die Kampagne { $name }
releases-note = Notiz
releases-note-help = Für Ihr Team: Worum geht es?
releases-weight = Jeder Bildschirm lädt { $bytes } herunter.
releases-no-weight = Die Bildschirme haben schon alle Medien.
releases-ready = Der letzte, { $name }, sollte es { $at } haben.
releases-late = „{ $what }“ beginnt { $at }: { $devices ->
    [one] { $first } wird es bis dahin nicht haben.
   *[other] { $first } und andere ({ $devices }) werden es bis dahin nicht haben.
}
releases-done = { $channel } ist als Ausgabe { $sequence } veröffentlicht.
releases-was-same = { $channel } war schon so veröffentlicht.
releases-take-back = Zurücknehmen
releases-is-back = { $channel } zeigt wieder Ausgabe { $again }, als Ausgabe { $sequence }. Der Plan bleibt, wie er ist.
releases-plan-title = { $channel } zu einer Zeit veröffentlichen
releases-change-title = Ändern, wann { $channel } veröffentlicht wird
releases-plan-text = Veröffentlicht wird, was in diesem Augenblick bereit ist.
releases-plan-do = Planen
releases-when = Wann
releases-when-zone = Nach der Uhr des Standorts ({ $zone }).
releases-when-here = Nach der Uhr dieses Computers: Der Kanal nennt keine Zeitzone.
releases-planned-done = Die Veröffentlichung von { $channel } ist geplant.
releases-channel = Kanal
releases-state = Stand
releases-by = Von
releases-actions = Was mit { $name } geschehen soll
releases-change = Ändern
releases-cancel = Veröffentlichung absagen
releases-cancel-title = Die Veröffentlichung von { $channel } absagen?
releases-cancel-text = Was geplant ist, bleibt; es wird nur nicht zu dieser Zeit veröffentlicht.
releases-state-planned = Geplant
releases-state-running = Wird veröffentlicht
releases-state-done = Als Ausgabe { $sequence } veröffentlicht
releases-state-failed = Fehlgeschlagen
releases-state-missed = Verpasst
releases-state-cancelled = Abgesagt
releases-none-planned = Nichts ist geplant
releases-none-planned-text = Drücken Sie neben einem Kanal „Zu einer Zeit …“, dann wird er dann veröffentlicht.
releases-review-open = Wartet
releases-review-approved = Freigegeben
releases-review-returned = Zurückgegeben
releases-no-review = Keine Prüfung
releases-no-review-text = Wer nicht veröffentlichen darf, bittet um die Prüfung einer Playlist, eines Sendeplans oder einer Kampagne. Sie erscheint hier.
releases-asked = { $kind ->
    [playlist] Playlist
    [schedule] Sendeplan
   *[campaign] Kampagne
}, gefragt von { $by }, { $at }
releases-review-removed = Es wurde inzwischen entfernt.
releases-review-older = Es wurde geändert, nachdem um die Prüfung gebeten wurde. Diese Änderungen werden nicht mit freigegeben.
releases-comment = Anmerken
releases-return = Zurückgeben …
releases-approve = Freigeben …
releases-comment-title = Zu { $name } etwas anmerken
releases-return-title = { $name } zurückgeben
releases-approve-title = { $name } freigeben
releases-approve-text = Dann ist es bereit und geht mit der nächsten Veröffentlichung hinaus.
releases-say = Was Sie dazu sagen
releases-comment-done = Ihre Anmerkung zu { $name } ist da.
releases-return-done = { $name } ist zurückgegeben.
releases-approve-done = { $name } ist bereit zur Veröffentlichung.
releases-release = Ausgabe
releases-contents = Inhalt
releases-holds = { $items ->
    [one] ein Eintrag
   *[other] { $items } Einträge
}, { $ads ->
    [0] keine Werbung
    [one] ein Werbespot
   *[other] { $ads } Werbespots
}, { $bytes }
releases-in-force = Gilt jetzt
releases-was-again = Wieder Ausgabe { $again }
releases-is-pinned = Wird behalten
releases-gone = Ihre Dateien sind weg
releases-bring-back = Zurückholen …
releases-pin = Für immer behalten
releases-unpin = Nicht länger behalten
releases-pinned = Ausgabe { $sequence } wird behalten.
releases-unpinned = Ausgabe { $sequence } geht, wenn ihre Zeit kommt.
releases-all = Alle Kanäle
releases-none = Noch wurde nichts veröffentlicht
releases-none-text = Was Sie veröffentlichen, steht hier und lässt sich zurückholen.
releases-back-title = Ausgabe { $sequence } auf { $channel } wieder zeigen?
releases-back-text = Die Bildschirme bekommen sie als neue Ausgabe.
releases-back-plan = Was geplant ist, bleibt. Um es wieder zu zeigen, veröffentlichen Sie den Kanal.
