account-title = My account
account-lead = You are logged in as { $name }.
account-of-key = You are logged in with a key. It has no password.
account-password = Password
account-password-text = Twelve characters or more. After a change you are logged out everywhere else.
account-change-password = Change the password …
account-change-do = Change
account-elsewhere = You are logged out everywhere else.
account-password-changed = Your password is changed.
account-own-password = Your password
account-by-provider = You log in by the provider, and have no password here. An administrator can make you a link that sets one.
account-passkeys = Passkeys
account-passkeys-text = With a passkey you log in by finger, face or PIN, without password and code.
account-no-passkeys = There are no passkeys at this address: browsers want a name and https.
account-add-passkey = Add a passkey …
account-add-text = Your browser asks next where it is to be kept: on this device, on a phone, or on a key.
account-go-on = Go on
account-passkey-name = Such as “My phone”.
account-passkey-added = You can log in with { $name } now.
account-passkey = For { $host }, since { $since }. { $used ->
    [no] Never used.
   *[other] Used { $used }.
}
account-actions = What to do with { $name }
account-rename = Rename { $name }
account-remove = Remove …
account-remove-title = Remove { $name }?
account-remove-text = It no longer lets you in, and pages that it opened are logged out. Remove it from your device as well.
account-factor = Codes of an app
account-factor-on = You log in with a code of your app. { $codes ->
    [0] No recovery code is left.
    [one] One recovery code is left.
   *[other] { $codes } recovery codes are left.
}
account-factor-off = With an app on your phone nobody can log in who only knows your password.
account-set-up = Set up an app …
account-use = Use it
account-scan = Scan this with an authenticator app, or type the secret into it:
account-qr = The secret as a picture for the app
account-code = The code that the app shows now
account-new-codes = New recovery codes …
account-make-codes = Make them
account-old-codes = The old ones count no longer.
account-drop = Do without the app …
account-drop-title = Do without the app?
account-drop-text = Your password alone lets you in then.
account-codes = Your recovery codes
account-codes-text = If the app is lost, each of these lets you in once. They are shown only now: print them, or write them down.
account-sessions = Where you are logged in
account-this = This page
account-no-browser = A browser without a name
account-session = From { $client }, since { $since }, last seen { $seen }.
account-end = Log out
account-end-it = Log out the session since { $since }
