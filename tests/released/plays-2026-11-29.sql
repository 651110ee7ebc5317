PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE accounts (
    line TEXT PRIMARY KEY,
    body TEXT NOT NULL              -- JSON
) STRICT, WITHOUT ROWID;
INSERT INTO "accounts" VALUES('mornings','{"line":"mornings","share":500000,"lag":-7,"since":2,"plays":2,"creative":"mint"}');
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    device TEXT NOT NULL,           -- the id the origin gave this device
    epoch TEXT NOT NULL,            -- 128 random bits in hex, made with the file
    sequence INTEGER NOT NULL,      -- of the newest play, 0 before the first
    hash TEXT NOT NULL              -- of the newest play, zeros before the first
) STRICT;
INSERT INTO "log" VALUES(1,'dddddddddddddddddddddddddddddddd','069c37d5a71e061c8527e2a024c81d16',3,'2b377ffb59cc4bf061b8d373e9372b69e21059124294d1b940d58710203aa76d');
CREATE TABLE memory (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL              -- JSON
) STRICT;
INSERT INTO "memory" VALUES('rotation','{"places":{},"items":2,"ads":1}');
INSERT INTO "memory" VALUES('ads','{"seed":7,"slot":4,"choices":4,"tried":null,"recent":[]}');
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY REFERENCES plays (sequence)
) STRICT;
INSERT INTO "outbox" VALUES(2);
INSERT INTO "outbox" VALUES(3);
CREATE TABLE plays (
    sequence INTEGER PRIMARY KEY,  -- in this log epoch, from 1, without gaps
    take TEXT NOT NULL UNIQUE,     -- a take counts once, whatever happens
    ended_ms INTEGER NOT NULL,     -- Unix milliseconds, by the clock of the device
    body TEXT NOT NULL             -- the JSON object on the wire
) STRICT;
INSERT INTO "plays" VALUES(1,'take-0',1772452810000,'{"device":"dddddddddddddddddddddddddddddddd","log_epoch":"069c37d5a71e061c8527e2a024c81d16","sequence":1,"take":"take-0","kind":"item","release":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","asset":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","title":"take-0","playlist":null,"item":null,"campaign":null,"advertiser":null,"line":null,"creative":null,"started_at":"2026-03-02T12:00:00.000Z","ended_at":"2026-03-02T12:00:10.000Z","zone":"UTC","rendered_ms":10000,"expected_ms":10000,"outcome":"complete","reason":"eof","frames_lost":null,"screen":"unknown","clock":"unsynced","relaxed":[],"previous_hash":"0000000000000000000000000000000000000000000000000000000000000000","hash":"fbc1e972009a92639fbf655407d06a416b5d3fc528329da5f0450608b5b172dc"}');
INSERT INTO "plays" VALUES(2,'take-1',1772452820000,'{"device":"dddddddddddddddddddddddddddddddd","log_epoch":"069c37d5a71e061c8527e2a024c81d16","sequence":2,"take":"take-1","kind":"item","release":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","asset":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","title":"take-1","playlist":null,"item":null,"campaign":null,"advertiser":null,"line":null,"creative":null,"started_at":"2026-03-02T12:00:10.000Z","ended_at":"2026-03-02T12:00:20.000Z","zone":"UTC","rendered_ms":10000,"expected_ms":10000,"outcome":"complete","reason":"eof","frames_lost":null,"screen":"unknown","clock":"unsynced","relaxed":[],"previous_hash":"fbc1e972009a92639fbf655407d06a416b5d3fc528329da5f0450608b5b172dc","hash":"065e458ab8fe992ffcdde6190876a1a6c61adf0eaede4d60a6263332cd9d50ad"}');
INSERT INTO "plays" VALUES(3,'take-2',1772452830000,'{"device":"dddddddddddddddddddddddddddddddd","log_epoch":"069c37d5a71e061c8527e2a024c81d16","sequence":3,"take":"take-2","kind":"item","release":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","asset":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","title":"take-2","playlist":null,"item":null,"campaign":null,"advertiser":null,"line":null,"creative":null,"started_at":"2026-03-02T12:00:20.000Z","ended_at":"2026-03-02T12:00:30.000Z","zone":"UTC","rendered_ms":10000,"expected_ms":10000,"outcome":"complete","reason":"eof","frames_lost":null,"screen":"unknown","clock":"unsynced","relaxed":[],"previous_hash":"065e458ab8fe992ffcdde6190876a1a6c61adf0eaede4d60a6263332cd9d50ad","hash":"2b377ffb59cc4bf061b8d373e9372b69e21059124294d1b940d58710203aa76d"}');
CREATE TABLE quarantine (
    asset TEXT PRIMARY KEY,       -- SHA-256 of its bytes
    failures INTEGER NOT NULL,    -- in a row
    until_ms INTEGER NOT NULL,    -- Unix milliseconds when it may be tried again; 0 below the limit
    reason TEXT NOT NULL          -- of the latest failure, in the decoder's words
) STRICT;
INSERT INTO "quarantine" VALUES('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1,0,'no picture');
CREATE TABLE refusals (
    sequence INTEGER PRIMARY KEY REFERENCES plays (sequence),
    status TEXT NOT NULL,          -- `conflict` or `invalid`
    detail TEXT NOT NULL           -- in the origin's words
) STRICT;
INSERT INTO "refusals" VALUES(1,'conflict','other content');
CREATE TABLE takes (
    take TEXT PRIMARY KEY,
    body TEXT NOT NULL,             -- JSON: what was decided
    started_ms INTEGER,             -- Unix milliseconds at the cut, NULL while only reserved
    shown_ms INTEGER NOT NULL,      -- milliseconds on the screen when last written
    clock TEXT NOT NULL             -- ClockTrust at the cut, empty while only reserved
) STRICT;
INSERT INTO "takes" VALUES('take-3','{"take":"take-3","kind":"item","release":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","asset":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","title":"take-3","zone":"UTC","expected_ms":10000,"playlist":null,"item":null,"campaign":null,"advertiser":null,"line":null,"creative":null,"relaxed":[],"choice":null}',1795000000000,0,'synchronised');
INSERT INTO "takes" VALUES('take-4','{"take":"take-4","kind":"item","release":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","asset":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","title":"take-4","zone":"UTC","expected_ms":10000,"playlist":null,"item":null,"campaign":null,"advertiser":null,"line":null,"creative":null,"relaxed":[],"choice":null}',NULL,0,'');
CREATE INDEX plays_by_end ON plays (ended_ms);
COMMIT;
