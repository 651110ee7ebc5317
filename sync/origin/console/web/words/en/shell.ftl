# The frame of all views, and logging in.
shell-title = Signage
shell-skip = Skip to the content
shell-navigation = Sections
shell-navigation-phone = Main sections
shell-group-show = Content
shell-group-watch = Screens
shell-group-manage = Manage
shell-more = More
shell-all-views = All sections
shell-view-start = Start
shell-view-media = Media
shell-view-playlists = Playlists
shell-view-preview = Preview
shell-view-schedule = Schedule
shell-view-channels = Channels
shell-view-campaigns = Campaigns
shell-view-reports = Reports
shell-view-screens = Screens
shell-view-releases = Publishing
shell-view-people = People
shell-view-spaces = Spaces
shell-view-keys = Keys
shell-view-audit = Who did what
shell-view-account = My account
shell-view-storage = Storage
shell-go-to = go to { $view }
shell-account = My account
shell-shortcuts = Keyboard shortcuts
shell-log-out = Log out
shell-language = Language
shell-theme = Light or dark
shell-theme-system = As the system
shell-theme-light = Light
shell-theme-dark = Dark
shell-line-connecting = Connecting …
shell-line-live = Live: changes show at once
shell-line-polling = Changes show within ten seconds
shell-line-silent = No answer
shell-screens-online = { $devices ->
    [one] { $online } of 1 screen connected
   *[other] { $online } of { $devices } screens connected
}
shell-silent = The origin has not answered since { $since }. What you see may be out of date; this page looks again every few seconds.
shell-waiting = { $count ->
    [one] One change waits and is sent as soon as the origin answers. Keep this page open.
   *[other] { $count } changes wait and are sent as soon as the origin answers. Keep this page open.
}
shell-no-view = There is no such page
shell-no-view-text = The address may be mistyped, or from another version of this console.
shell-to-start = To the start
shell-not-yours = This part is not open to you
shell-not-yours-text = { $role ->
    [administrator] It is for administrators: ask one of them for help, or for the role.
   *[other] It needs another role than yours: ask an administrator.
}
shell-log-in = Log in
shell-name = Name
shell-password = Password
shell-code = Code of your app
shell-code-help = Or one of your recovery codes.
shell-or = or
shell-log-in-passkey = Log in with a passkey
shell-log-in-provider = Log in with { $provider }
shell-no-passkeys = { $unfit ->
    [ip_address] There are no passkeys at this address: browsers want a name, not a number.
    [no_tls] There are no passkeys at this address: browsers want https.
   *[other] There are no passkeys at this address.
}
shell-passkeys-there = For passkeys open
shell-by-key = Log in with a key, or forgot the password?
shell-key = Key
shell-key-help = It was printed when the origin first started; “signage-origin keys add” makes another.
shell-log-in-key = Log in with the key
shell-forgotten = Forgot your password? An administrator makes you a link to set a new one.
shell-log-in-again = Log in again
shell-log-in-again-why = Your session has ended. Nothing is lost: log in, and this page goes on where you were.
shell-set-password = Choose your password
shell-set-password-do = Set the password
shell-new-password = New password
shell-new-password-help = 12 characters or more, such as several words.
shell-password-again = The same again
shell-passwords-differ = This is not the same as above.
shell-password-set = Your password is set. Log in with it now.
