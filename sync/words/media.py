"""The sentences of media: why one failed, and what a planner should know of one that is ready."""

from sync.words.sentences import Sentences

MEDIA_PROBLEMS = Sentences(
    {
        "not_showable": "This file is not a picture or video that can be shown, or it is damaged.",
        "looks_like": "This file is not a picture or video that can be shown: it looks like {kind}.",
        "encrypted": "This file is encrypted (DRM): no screen has its key. Export it without copy protection.",
        "too_many_tracks": "This file has {tracks} tracks. The limit is {most}.",
        "too_many_tags": "This file has more tags and tracks than are read: remove those that no screen shows.",
        "too_many_frames": "This file is too long: it has more than {most} frames and pieces of sound.",
        "over_limits": "This file needs more time or memory than is allowed: send it smaller or shorter.",
        "no_room": "The server has no room left to process this file: free some space and try again.",
        "disk_fault": "The server could not read or write its disk while processing this file: try again.",
        "stopped": "Processing this file stopped unexpectedly several times: try again, or send it in another format.",
        "source_missing": "The sent file is no longer there: send it again.",
        "pages": "This file has {pages} pages: the first one is shown. Send each page as a file of its own.",
        "picture_damaged": "This picture is damaged or incomplete. Send it again.",
        "picture_unknown": "This picture is damaged, or of an unknown kind.",
        "picture_too_large": "This picture is too large: {width} x {height} pixels.",
        "picture_beyond_screens": "This picture is too large: it has more pixels than any screen could show.",
        "picture_raw": "This is a raw photograph, with only a small preview: export it as JPEG.",
        "picture_too_long": "This moving picture lasts {hours} hours: send it as a film.",
        "picture_unpacks": "This picture holds a comment or colour profile that unpacks to too much data.",
        "animation_too_large": "This animation is too large: {frames} frames of {size}. All frames together may have "
        "{most} million pixels. Send it smaller, or as a video.",
        "too_large": "This {kind} is too large: {size}. The limit is {most} million pixels.",
        "too_long": "This {kind} is too long: it says that it plays for {time}. The limit is {most}.",
        "too_long_for_size": "This {kind} is too long for its size: {frames} frames of {size} cannot be processed "
        "within {time}. Send it smaller or shorter.",
        "sound_damaged": "This sound file is damaged: it cannot be played to its end.",
        "sound_silent": "This sound file is damaged: nothing in it can be heard.",
        "sound_too_short": "This sound file is too short to be played.",
        "sound_incomplete": "This sound is incomplete: {seconds} of its {declared} seconds are there. Send it again.",
        "sound_gaps": "This sound is damaged: {where} (it is silent meanwhile).",
        "sound_undecodable": "This sound is damaged: {where} cannot be decoded. Send it again.",
        "video_cut": "This video is incomplete: its end, with the table of contents, is missing. Send it again.",
        "video_incomplete": "This video is incomplete: {seconds} of its {declared} seconds are there. Send it again.",
        "video_share_missing": "This video is incomplete: {share} of its file is missing. Send it again.",
        "video_start_missing": "This video is damaged: its start is missing. Send it again.",
        "video_joined": "This video has other tracks or codecs after {share} of its file, as when two films are "
        "joined: players do not go on there. Send its parts as files of their own, or convert it as a whole.",
        "video_no_picture": "This video is damaged: no picture in it can be shown.",
        "video_no_first": "This video is damaged: its first picture cannot be decoded.",
        "video_damaged": "This video is damaged: it cannot be decoded to its end.",
        "video_undecodable": "This video is damaged: {where} cannot be decoded. Send it again.",
        "video_gaps": "This video is damaged: {where}.",
        "video_unplayable": "This video is damaged: nothing in it can be played.",
        "video_too_large": "This video is too large: {width} x {height} pixels.",
        "video_too_short": "This video is too short to be seen and heard: send it as a picture, or longer.",
        "video_first_picture": "This video plays for less than 0.2 seconds: its first picture is shown.",
        "video_dolby_vision": "This video is in Dolby Vision profile {profile}, whose colours only Dolby's own "
        "decoders know. Export it as HDR10, HLG, SDR or Dolby Vision profile 8, and send that.",
        "subtitles_not_shown": "Its forced subtitles are not shown: export it with the subtitles burnt in.",
    }
)
"""What `problem` of a media says."""
