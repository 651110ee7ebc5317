account-title = Mein Konto
account-lead = Sie sind als { $name } angemeldet.
account-of-key = Sie sind mit einem Schlüssel angemeldet. Er hat kein Passwort.
account-password = Passwort
account-password-text = Zwölf Zeichen oder mehr. Nach einer Änderung sind Sie überall sonst abgemeldet.
account-change-password = Passwort ändern …
account-change-do = Ändern
account-elsewhere = Überall sonst werden Sie abgemeldet.
account-password-changed = Ihr Passwort ist geändert.
account-own-password = Ihr Passwort
account-by-provider = Sie melden sich über den Anbieter an und haben hier kein Passwort. Ein Administrator kann Ihnen einen Link machen, der eins setzt.
account-passkeys = Passkeys
account-passkeys-text = Mit einem Passkey melden Sie sich mit Finger, Gesicht oder PIN an, ohne Passwort und Code.
account-no-passkeys = Unter dieser Adresse gibt es keine Passkeys: Browser verlangen einen Namen und https.
account-add-passkey = Passkey hinzufügen …
account-add-text = Ihr Browser fragt gleich, wo er liegen soll: auf diesem Gerät, auf einem Telefon oder auf einem Sicherheitsschlüssel.
account-go-on = Weiter
account-passkey-name = Etwa „Mein Telefon“.
account-passkey-added = Sie können sich jetzt mit { $name } anmelden.
account-passkey = Für { $host }, seit { $since }. { $used ->
    [no] Nie benutzt.
   *[other] Benutzt { $used }.
}
account-actions = Was mit { $name } geschehen soll
account-rename = { $name } umbenennen
account-remove = Entfernen …
account-remove-title = { $name } entfernen?
account-remove-text = Er lässt Sie nicht mehr hinein, und Seiten, die er geöffnet hat, werden abgemeldet. Entfernen Sie ihn auch von Ihrem Gerät.
account-factor = Codes einer App
account-factor-on = Sie melden sich mit einem Code Ihrer App an. { $codes ->
    [0] Kein Wiederherstellungscode ist übrig.
    [one] Ein Wiederherstellungscode ist übrig.
   *[other] { $codes } Wiederherstellungscodes sind übrig.
}
account-factor-off = Mit einer App auf Ihrem Telefon kommt niemand hinein, der nur Ihr Passwort kennt.
account-set-up = App einrichten …
account-use = Benutzen
account-scan = Scannen Sie das mit einer Authenticator-App, oder tippen Sie das Geheimnis ein:
account-qr = Das Geheimnis als Bild für die App
account-code = Der Code, den die App jetzt zeigt
account-new-codes = Neue Wiederherstellungscodes …
account-make-codes = Machen
account-old-codes = Die alten gelten nicht mehr.
account-drop = Auf die App verzichten …
account-drop-title = Auf die App verzichten?
account-drop-text = Dann lässt Sie Ihr Passwort allein hinein.
account-codes = Ihre Wiederherstellungscodes
account-codes-text = Geht die App verloren, lässt jeder davon Sie einmal hinein. Sie werden nur jetzt gezeigt: drucken Sie sie, oder schreiben Sie sie auf.
account-sessions = Wo Sie angemeldet sind
account-this = Diese Seite
account-no-browser = Ein Browser ohne Namen
account-session = Von { $client }, seit { $since }, zuletzt gesehen { $seen }.
account-end = Abmelden
account-end-it = Die Sitzung seit { $since } abmelden
