# Sentences of the origin that are for programmers, in the words of people who look after screens.
problem-token_needed = Your session has ended: log in again.
problem-no_such_channel = There is no channel { $id }. Make it in the schedule.
problem-no_such_account = This account is no more.
problem-stale_version = Somebody else changed this meanwhile: load it again.
problem-stale_change = The change no longer fits what is stored: load the page again, and repeat it.
problem-foreign_host = { $host } is no name of this origin; whoever looks after it can add it to server.allowed_hosts.
problem-say_which_space = Choose in which space: { $spaces }
problem-field_wrong = The field { $field } is not right.
problem-fields_wrong = { $count } fields are not right: { $fields }.
problem-if_match_needed = This page did not say which version you saw. Load it again.
problem-idempotency_not_kept = This was done already, and its answer is no more: load the page again and look.
problem-weekdays = Choose one weekday at least.
problem-before_first_day = It must not be before the first day.
problem-no_time_zone = This is no time zone such as Europe/Berlin.
