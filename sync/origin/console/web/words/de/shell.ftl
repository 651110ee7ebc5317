# Der Rahmen aller Ansichten, und die Anmeldung.
shell-title = Signage
shell-skip = Zum Inhalt springen
shell-navigation = Bereiche
shell-navigation-phone = Wichtigste Bereiche
shell-group-show = Inhalte
shell-group-watch = Bildschirme
shell-group-manage = Verwaltung
shell-more = Mehr
shell-all-views = Alle Bereiche
shell-view-start = Start
shell-view-media = Medien
shell-view-playlists = Playlists
shell-view-preview = Vorschau
shell-view-schedule = Sendeplan
shell-view-channels = Kanäle
shell-view-campaigns = Kampagnen
shell-view-reports = Berichte
shell-view-screens = Bildschirme
shell-view-releases = Veröffentlichen
shell-view-people = Personen
shell-view-spaces = Bereiche
shell-view-keys = Schlüssel
shell-view-audit = Wer hat was getan
shell-view-account = Mein Konto
shell-view-storage = Speicher
shell-go-to = zu { $view }
shell-account = Mein Konto
shell-shortcuts = Tastenkürzel
shell-log-out = Abmelden
shell-language = Sprache
shell-theme = Hell oder dunkel
shell-theme-system = Wie das System
shell-theme-light = Hell
shell-theme-dark = Dunkel
shell-line-connecting = Verbindung wird aufgebaut …
shell-line-live = Live: Änderungen erscheinen sofort
shell-line-polling = Änderungen erscheinen innerhalb von zehn Sekunden
shell-line-silent = Keine Antwort
shell-screens-online = { $devices ->
    [one] { $online } von 1 Bildschirm verbunden
   *[other] { $online } von { $devices } Bildschirmen verbunden
}
shell-silent = Der Server antwortet seit { $since } nicht. Was Sie sehen, kann veraltet sein; diese Seite sieht alle paar Sekunden wieder nach.
shell-waiting = { $count ->
    [one] Eine Änderung wartet und wird gesendet, sobald der Server antwortet. Lassen Sie diese Seite offen.
   *[other] { $count } Änderungen warten und werden gesendet, sobald der Server antwortet. Lassen Sie diese Seite offen.
}
shell-no-view = Diese Seite gibt es nicht
shell-no-view-text = Vielleicht ist die Adresse vertippt, oder sie stammt aus einer anderen Version dieser Konsole.
shell-to-start = Zum Start
shell-not-yours = Dieser Teil ist Ihnen nicht zugänglich
shell-not-yours-text = { $role ->
    [administrator] Er ist für Administratoren: Bitten Sie einen davon um Hilfe oder um die Rolle.
   *[other] Er braucht eine andere Rolle als Ihre: Fragen Sie einen Administrator.
}
shell-log-in = Anmelden
shell-name = Name
shell-password = Passwort
shell-code = Code Ihrer App
shell-code-help = Oder einer Ihrer Wiederherstellungscodes.
shell-or = oder
shell-log-in-passkey = Mit einem Passkey anmelden
shell-log-in-provider = Mit { $provider } anmelden
shell-no-passkeys = { $unfit ->
    [ip_address] Unter dieser Adresse gibt es keine Passkeys: Browser verlangen einen Namen, keine Nummer.
    [no_tls] Unter dieser Adresse gibt es keine Passkeys: Browser verlangen https.
   *[other] Unter dieser Adresse gibt es keine Passkeys.
}
shell-passkeys-there = Für Passkeys öffnen Sie
shell-by-key = Mit einem Schlüssel anmelden, oder Passwort vergessen?
shell-key = Schlüssel
shell-key-help = Er wurde beim ersten Start des Servers angezeigt; „signage-origin keys add“ macht einen weiteren.
shell-log-in-key = Mit dem Schlüssel anmelden
shell-forgotten = Passwort vergessen? Ein Administrator macht Ihnen einen Link, mit dem Sie ein neues setzen.
shell-log-in-again = Bitte melden Sie sich neu an
shell-log-in-again-why = Ihre Sitzung ist zu Ende. Nichts ist verloren: Melden Sie sich an, und diese Seite macht weiter, wo Sie waren.
shell-set-password = Wählen Sie Ihr Passwort
shell-set-password-do = Passwort setzen
shell-new-password = Neues Passwort
shell-new-password-help = 12 Zeichen oder mehr, etwa mehrere Wörter.
shell-password-again = Noch einmal dasselbe
shell-passwords-differ = Das ist nicht dasselbe wie oben.
shell-password-set = Ihr Passwort ist gesetzt. Melden Sie sich jetzt damit an.
