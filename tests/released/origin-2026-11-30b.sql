BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0019');
CREATE TABLE assets (
	sha256 VARCHAR(64) NOT NULL, 
	index_sha256 VARCHAR(64) NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	media_type VARCHAR(64) NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	duration_ms BIGINT, 
	has_audio BOOLEAN NOT NULL, 
	loudness_lufs FLOAT, 
	created_ms BIGINT NOT NULL, 
	unneeded_ms BIGINT, 
	PRIMARY KEY (sha256)
);
INSERT INTO "assets" VALUES('622a494d3ea8c7ba2fed4f37909f14d9b50ab412322de39be62c8d6c2418bfca','1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6',1000,'video','video/mp4',1280,720,10000,1,-23.0,1795000000000,NULL);
CREATE TABLE billable_rules (
	line_id VARCHAR(64) NOT NULL, 
	version INTEGER NOT NULL, 
	rule JSON NOT NULL, 
	since_ms BIGINT NOT NULL, 
	PRIMARY KEY (line_id, version)
);
INSERT INTO "billable_rules" VALUES('abababababababababababababababababababababababababababababababab',1,'{}',1796000000000);
CREATE TABLE browsers (
	hash VARCHAR(64) NOT NULL, 
	person_id VARCHAR(64) NOT NULL, 
	expires_ms BIGINT NOT NULL, 
	PRIMARY KEY (hash), 
	FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
);
INSERT INTO "browsers" VALUES('abababababababababababababababababababababababababababababababab','people-1',1796000000000);
CREATE TABLE campaigns (
	id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	advertiser TEXT NOT NULL, 
	channel_id VARCHAR(64), 
	starts_ms BIGINT NOT NULL, 
	ends_ms BIGINT NOT NULL, 
	version INTEGER NOT NULL, 
	updated_ms BIGINT NOT NULL, name_order TEXT DEFAULT '' NOT NULL, searched TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(channel_id) REFERENCES channels (id)
);
INSERT INTO "campaigns" VALUES('campaigns-1','Spring','Acme','main',1795000000000,1797592000000,1,1795000000000,'springSpring','spring
acme');
CREATE TABLE changes (
	subject VARCHAR(16) NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	number BIGINT NOT NULL, 
	PRIMARY KEY (subject, id)
);
INSERT INTO "changes" VALUES('device','dddddddddddddddddddddddddddddddd',1);
CREATE TABLE channels (
	id VARCHAR(64) NOT NULL, 
	zone VARCHAR(64) NOT NULL, 
	default_playlist_id VARCHAR(64), 
	every_items INTEGER NOT NULL, 
	ads INTEGER NOT NULL, 
	fallback_media_id VARCHAR(64), 
	version INTEGER NOT NULL, 
	sequence BIGINT NOT NULL, name_order TEXT DEFAULT '' NOT NULL, searched TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(default_playlist_id) REFERENCES playlists (id), 
	FOREIGN KEY(fallback_media_id) REFERENCES media (id)
);
INSERT INTO "channels" VALUES('main','Europe/Berlin','playlists-1',3,1,'media-1',1,1,'mainmain','main');
CREATE TABLE checkpoints (
	device_id VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	number BIGINT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	log_epoch VARCHAR(32) NOT NULL, 
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	play_hash VARCHAR(64) NOT NULL, 
	at_ms BIGINT NOT NULL, 
	serial INTEGER NOT NULL, 
	chain INTEGER NOT NULL, 
	envelope JSON NOT NULL, 
	received_ms BIGINT NOT NULL, 
	kind VARCHAR(24), 
	finding TEXT, 
	PRIMARY KEY (device_id, hash), 
	FOREIGN KEY(device_id) REFERENCES devices (id)
);
INSERT INTO "checkpoints" VALUES('dddddddddddddddddddddddddddddddd','abababababababababababababababababababababababababababababababab',1,'abababababababababababababababababababababababababababababababab','00000000000000000000000000000001',1,1,'abababababababababababababababababababababababababababababababab',1796000000000,1,1,'{}',1796000000000,'problem','text');
CREATE TABLE creatives (
	id VARCHAR(64) NOT NULL, 
	line_id VARCHAR(64) NOT NULL, 
	position INTEGER NOT NULL, 
	media_id VARCHAR(64) NOT NULL, 
	title TEXT NOT NULL, 
	duration_ms BIGINT, 
	fit VARCHAR(16) NOT NULL, 
	background VARCHAR(7) NOT NULL, 
	volume INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(line_id) REFERENCES lines (id) ON DELETE CASCADE, 
	FOREIGN KEY(media_id) REFERENCES media (id)
);
INSERT INTO "creatives" VALUES('creatives-1','lines-1',0,'media-1','Spring',10000,'contain','#000000',100);
CREATE TABLE dayparts (
	id VARCHAR(64) NOT NULL, 
	channel_id VARCHAR(64) NOT NULL, 
	position INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	playlist_id VARCHAR(64) NOT NULL, 
	weekdays JSON NOT NULL, 
	start VARCHAR(5) NOT NULL, 
	"end" VARCHAR(5) NOT NULL, 
	priority INTEGER NOT NULL, 
	first_day VARCHAR(10), 
	last_day VARCHAR(10), 
	PRIMARY KEY (id), 
	FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE, 
	FOREIGN KEY(playlist_id) REFERENCES playlists (id)
);
INSERT INTO "dayparts" VALUES('dayparts-1','main',0,'Spring','playlists-1','[1, 2, 3, 4, 5, 6, 7]','08:00','20:00',1,NULL,NULL);
CREATE TABLE device_boots (
	device_id VARCHAR(64) NOT NULL, 
	boot_id VARCHAR(32) NOT NULL, 
	first_ms BIGINT NOT NULL, 
	since_ms BIGINT NOT NULL, 
	returned_ms BIGINT, 
	PRIMARY KEY (device_id, boot_id), 
	FOREIGN KEY(device_id) REFERENCES devices (id)
);
INSERT INTO "device_boots" VALUES('dddddddddddddddddddddddddddddddd','00000000000000000000000000000002',1796000000000,1796000000000,NULL);
CREATE TABLE device_keys (
	device_id VARCHAR(64) NOT NULL, 
	number INTEGER NOT NULL, 
	serial INTEGER NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	public_key VARCHAR(44) NOT NULL, 
	issued_ms BIGINT NOT NULL, 
	revoked_ms BIGINT, 
	certificate JSON NOT NULL, 
	request JSON, 
	replaces VARCHAR(64), 
	proven BOOLEAN DEFAULT 0 NOT NULL, 
	key_id VARCHAR(64), 
	note TEXT, 
	PRIMARY KEY (device_id, number), 
	FOREIGN KEY(device_id) REFERENCES devices (id)
);
INSERT INTO "device_keys" VALUES('dddddddddddddddddddddddddddddddd',1,1,'abababababababababababababababababababababababababababababababab','text',1796000000000,NULL,'{}','{}','abababababababababababababababababababababababababababababababab',1,'abababababababababababababababababababababababababababababababab','text');
CREATE TABLE devices (
	id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	channel_id VARCHAR(64) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	paired_ms BIGINT NOT NULL, 
	seen_ms BIGINT, 
	heartbeat JSON, 
	version INTEGER NOT NULL, 
	channels JSON, 
	removed_ms BIGINT, unheard_ms BIGINT, let_through JSON, name_order TEXT DEFAULT '' NOT NULL, searched TEXT DEFAULT '' NOT NULL, severity VARCHAR(16), boot_id VARCHAR(32), 
	PRIMARY KEY (id), 
	UNIQUE (token_hash)
);
INSERT INTO "devices" VALUES('dddddddddddddddddddddddddddddddd','Spring','main','1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6',1795000000000,1795000000000,'null',1,'["main"]',NULL,NULL,NULL,'springSpring','spring
dddddddddddddddddddddddddddddddd',NULL,NULL);
CREATE TABLE history (
	id INTEGER NOT NULL, 
	device_id VARCHAR(64) NOT NULL, 
	log_epoch VARCHAR(32), 
	sequence BIGINT, 
	kind VARCHAR(32) NOT NULL, 
	state VARCHAR(32) NOT NULL, 
	at_ms BIGINT NOT NULL, 
	clock_offset_ms BIGINT, 
	clock VARCHAR(16) NOT NULL, 
	hash VARCHAR(64), 
	body JSON NOT NULL, 
	received_ms BIGINT NOT NULL, corrects INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (device_id, log_epoch, sequence), 
	FOREIGN KEY(device_id) REFERENCES devices (id)
);
INSERT INTO "history" VALUES(1,'dddddddddddddddddddddddddddddddd','00000000000000000000000000000001',1,'problem','begins',1796000000000,1796000000000,'synced','abababababababababababababababababababababababababababababababab','{}',1796000000000,1);
CREATE TABLE history_conflicts (
	id INTEGER NOT NULL, 
	device_id VARCHAR(64) NOT NULL, 
	log_epoch VARCHAR(32) NOT NULL, 
	sequence BIGINT NOT NULL, 
	body JSON NOT NULL, 
	received_ms BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "history_conflicts" VALUES(1,'dddddddddddddddddddddddddddddddd','00000000000000000000000000000001',1,'{}',1796000000000);
CREATE TABLE identity_doubts (
	id INTEGER NOT NULL, 
	device_id VARCHAR(64) NOT NULL, 
	kind VARCHAR(24) NOT NULL, 
	at_ms BIGINT NOT NULL, 
	detail TEXT NOT NULL, 
	ended_ms BIGINT, 
	ended_by VARCHAR(64), 
	PRIMARY KEY (id), 
	FOREIGN KEY(device_id) REFERENCES devices (id)
);
INSERT INTO "identity_doubts" VALUES(1,'dddddddddddddddddddddddddddddddd','fork',1796000000000,'text',NULL,NULL);
CREATE TABLE "keys" (
	id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	created_ms BIGINT NOT NULL, 
	role TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (hash)
);
INSERT INTO "keys" VALUES('keys-1','Spring','622a494d3ea8c7ba2fed4f37909f14d9b50ab412322de39be62c8d6c2418bfca',1795000000000,'administrator');
CREATE TABLE lines (
	id VARCHAR(64) NOT NULL, 
	campaign_id VARCHAR(64) NOT NULL, 
	position INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	category VARCHAR(64) NOT NULL, 
	share_ppm INTEGER, 
	weight INTEGER NOT NULL, 
	windows JSON NOT NULL, 
	category_gap INTEGER NOT NULL, 
	advertiser_gap INTEGER NOT NULL, billable_rule JSON, 
	PRIMARY KEY (id), 
	FOREIGN KEY(campaign_id) REFERENCES campaigns (id) ON DELETE CASCADE
);
INSERT INTO "lines" VALUES('lines-1','campaigns-1',0,'Spring','shoes',500000,1,'[]',0,0,NULL);
CREATE TABLE log_secrets (
	device_id VARCHAR(64) NOT NULL, 
	log_epoch VARCHAR(32) NOT NULL, 
	secret VARCHAR(64) NOT NULL, 
	PRIMARY KEY (device_id, log_epoch), 
	FOREIGN KEY(device_id) REFERENCES devices (id)
);
INSERT INTO "log_secrets" VALUES('dddddddddddddddddddddddddddddddd','00000000000000000000000000000001','abababababababababababababababababababababababababababababababab');
CREATE TABLE media (
	id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	progress INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_try_ms BIGINT NOT NULL, 
	large BOOLEAN DEFAULT 0 NOT NULL, 
	problem TEXT, 
	source_sha256 VARCHAR(64) NOT NULL, 
	source_bytes BIGINT NOT NULL, 
	asset_sha256 VARCHAR(64), 
	version INTEGER NOT NULL, 
	created_ms BIGINT NOT NULL, 
	updated_ms BIGINT NOT NULL, name_order TEXT DEFAULT '' NOT NULL, searched TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(asset_sha256) REFERENCES assets (sha256)
);
INSERT INTO "media" VALUES('media-1','Spring.mp4','ready',100,1,0,0,NULL,'622a494d3ea8c7ba2fed4f37909f14d9b50ab412322de39be62c8d6c2418bfca',1000,'622a494d3ea8c7ba2fed4f37909f14d9b50ab412322de39be62c8d6c2418bfca',1,1795000000000,1795000000000,'spring.mp0014Spring.mp4','spring.mp4');
CREATE TABLE new_identities (
	device_id VARCHAR(64) NOT NULL, 
	boot_id VARCHAR(32) NOT NULL, 
	new_device_id VARCHAR(64) NOT NULL, 
	made_ms BIGINT NOT NULL, 
	made_by VARCHAR(64) NOT NULL, 
	told_ms BIGINT, 
	PRIMARY KEY (device_id, boot_id), 
	FOREIGN KEY(device_id) REFERENCES devices (id)
);
INSERT INTO "new_identities" VALUES('dddddddddddddddddddddddddddddddd','00000000000000000000000000000002','abababababababababababababababababababababababababababababababab',1796000000000,'abababababababababababababababababababababababababababababababab',1796000000000);
CREATE TABLE overlays (
	id VARCHAR(64) NOT NULL, 
	channel_id VARCHAR(64) NOT NULL, 
	position INTEGER NOT NULL, 
	media_id VARCHAR(64), 
	style JSON NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE, 
	FOREIGN KEY(media_id) REFERENCES media (id)
);
INSERT INTO "overlays" VALUES('overlays-1','main',0,'media-1','{"kind": "logo", "corner": "top-right", "width_percent": 12, "margin_percent": 3}');
CREATE TABLE pairings (
	id VARCHAR(64) NOT NULL, 
	code VARCHAR(8) NOT NULL, 
	secret VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	channel_id VARCHAR(64), 
	device_id VARCHAR(64), 
	expires_ms BIGINT NOT NULL, 
	client TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "pairings" VALUES('pairings-1','ABCD2345','1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6','Spring','waiting','main','dddddddddddddddddddddddddddddddd',3590000000000,'192.0.2.1');
CREATE TABLE people (
	id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	name_key VARCHAR(64) NOT NULL, 
	role TEXT NOT NULL, 
	password_hash TEXT, 
	app_secret TEXT, 
	app_step BIGINT NOT NULL, 
	created_ms BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name_key)
);
INSERT INTO "people" VALUES('people-1','Spring','spring','administrator','$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g','JBSWY3DPEHPK3PXP',1,1796000000000);
CREATE TABLE play_archives (
	id INTEGER NOT NULL, 
	day INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	finished BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (sha256)
);
INSERT INTO "play_archives" VALUES(1,1,'abababababababababababababababababababababababababababababababab',1);
CREATE TABLE play_conflicts (
	id INTEGER NOT NULL, 
	device_id VARCHAR(64) NOT NULL, 
	log_epoch VARCHAR(32) NOT NULL, 
	sequence BIGINT NOT NULL, 
	body JSON NOT NULL, 
	received_ms BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "play_conflicts" VALUES(1,'dddddddddddddddddddddddddddddddd','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',1,'{"hash": "01e48b67e1ee33723a575e311b4ab81dd8ff7b3ecf5a954b71b1152b367de1eb", "device": "dddddddddddddddddddddddddddddddd", "log_epoch": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "sequence": 1, "take": "take-1", "kind": "ad", "release": "0000000000000000000000000000000000000000000000000000000000000000", "asset": "0000000000000000000000000000000000000000000000000000000000000000", "title": "Iced mint tea", "campaign": "campaigns-1", "line": "lines-1", "started_at": "2026-03-02T09:00:10Z", "ended_at": "2026-03-02T09:00:20Z", "zone": "Europe/Berlin", "rendered_ms": 10000, "outcome": "complete", "previous_hash": "0000000000000000000000000000000000000000000000000000000000000000"}',1795000000000);
CREATE TABLE play_days (
	device_id VARCHAR(64) NOT NULL, 
	day INTEGER NOT NULL, 
	changes BIGINT NOT NULL, 
	counted BIGINT DEFAULT '0' NOT NULL, 
	judgement INTEGER DEFAULT '0' NOT NULL, shown_ms JSON, archived BIGINT DEFAULT '0' NOT NULL, counted_log VARCHAR(32) DEFAULT '' NOT NULL, counted_until BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (device_id, day)
);
INSERT INTO "play_days" VALUES('dddddddddddddddddddddddddddddddd',20774,1,0,0,NULL,0,'',0);
INSERT INTO "play_days" VALUES('dddddddddddddddddddddddddddddddd',20775,1,0,0,NULL,0,'',0);
INSERT INTO "play_days" VALUES('dddddddddddddddddddddddddddddddd',20776,1,0,0,NULL,0,'',0);
CREATE TABLE play_marks (
	device_id VARCHAR(64) NOT NULL, 
	log_epoch VARCHAR(32) NOT NULL, 
	high_water BIGINT NOT NULL, 
	PRIMARY KEY (device_id, log_epoch), 
	FOREIGN KEY(device_id) REFERENCES devices (id)
);
INSERT INTO "play_marks" VALUES('dddddddddddddddddddddddddddddddd','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',1);
CREATE TABLE play_sums (
	id INTEGER NOT NULL, 
	device_id VARCHAR(64) NOT NULL, 
	day INTEGER NOT NULL, 
	campaign_id VARCHAR(64) NOT NULL, 
	line_id VARCHAR(64) NOT NULL, 
	creative_id VARCHAR(64) NOT NULL, 
	asset VARCHAR(64) NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	screen VARCHAR(16) NOT NULL, 
	clock VARCHAR(16) NOT NULL, 
	relaxed INTEGER NOT NULL, 
	verdict VARCHAR(16) NOT NULL, 
	reason VARCHAR(32) NOT NULL, 
	rule_version INTEGER NOT NULL, 
	plays INTEGER NOT NULL, 
	rendered_ms BIGINT NOT NULL, 
	hour_00 INTEGER DEFAULT '0' NOT NULL, 
	hour_01 INTEGER DEFAULT '0' NOT NULL, 
	hour_02 INTEGER DEFAULT '0' NOT NULL, 
	hour_03 INTEGER DEFAULT '0' NOT NULL, 
	hour_04 INTEGER DEFAULT '0' NOT NULL, 
	hour_05 INTEGER DEFAULT '0' NOT NULL, 
	hour_06 INTEGER DEFAULT '0' NOT NULL, 
	hour_07 INTEGER DEFAULT '0' NOT NULL, 
	hour_08 INTEGER DEFAULT '0' NOT NULL, 
	hour_09 INTEGER DEFAULT '0' NOT NULL, 
	hour_10 INTEGER DEFAULT '0' NOT NULL, 
	hour_11 INTEGER DEFAULT '0' NOT NULL, 
	hour_12 INTEGER DEFAULT '0' NOT NULL, 
	hour_13 INTEGER DEFAULT '0' NOT NULL, 
	hour_14 INTEGER DEFAULT '0' NOT NULL, 
	hour_15 INTEGER DEFAULT '0' NOT NULL, 
	hour_16 INTEGER DEFAULT '0' NOT NULL, 
	hour_17 INTEGER DEFAULT '0' NOT NULL, 
	hour_18 INTEGER DEFAULT '0' NOT NULL, 
	hour_19 INTEGER DEFAULT '0' NOT NULL, 
	hour_20 INTEGER DEFAULT '0' NOT NULL, 
	hour_21 INTEGER DEFAULT '0' NOT NULL, 
	hour_22 INTEGER DEFAULT '0' NOT NULL, 
	hour_23 INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "play_sums" VALUES(1,'dddddddddddddddddddddddddddddddd',1,'campaigns-1','abababababababababababababababababababababababababababababababab','abababababababababababababababababababababababababababababababab','abababababababababababababababababababababababababababababababab','complete','on','synced',1,'counted','',1,1,1796000000000,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1);
CREATE TABLE playlist_items (
	id VARCHAR(64) NOT NULL, 
	playlist_id VARCHAR(64) NOT NULL, 
	position INTEGER NOT NULL, 
	media_id VARCHAR(64) NOT NULL, 
	title TEXT NOT NULL, 
	duration_ms BIGINT, 
	fit VARCHAR(16) NOT NULL, 
	background VARCHAR(7) NOT NULL, 
	volume INTEGER NOT NULL, 
	at_end VARCHAR(16) NOT NULL, 
	starts_ms BIGINT, 
	ends_ms BIGINT, 
	loop BOOLEAN DEFAULT 0 NOT NULL, ends_with_budget BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (playlist_id, position), 
	FOREIGN KEY(playlist_id) REFERENCES playlists (id) ON DELETE CASCADE, 
	FOREIGN KEY(media_id) REFERENCES media (id)
);
INSERT INTO "playlist_items" VALUES('playlist_items-1','playlists-1',0,'media-1','Spring',10000,'contain','#000000',100,'cut',NULL,NULL,0,0);
CREATE TABLE playlists (
	id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	updated_ms BIGINT NOT NULL, name_order TEXT DEFAULT '' NOT NULL, searched TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "playlists" VALUES('playlists-1','Spring',1,1795000000000,'springSpring','spring');
CREATE TABLE plays (
	device_id VARCHAR(64) NOT NULL, 
	log_epoch VARCHAR(32) NOT NULL, 
	sequence BIGINT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	item_id VARCHAR(64), 
	campaign_id VARCHAR(64), 
	line_id VARCHAR(64), 
	creative_id VARCHAR(64), 
	outcome VARCHAR(16) NOT NULL, 
	started_ms BIGINT NOT NULL, 
	rendered_ms BIGINT NOT NULL, 
	body JSON NOT NULL, 
	received_ms BIGINT NOT NULL, 
	ended_ms BIGINT, 
	set_aside TEXT, 
	accepted JSON, clock VARCHAR(16), clock_offset_ms BIGINT, archive_id INTEGER, 
	PRIMARY KEY (device_id, log_epoch, sequence), 
	FOREIGN KEY(device_id) REFERENCES devices (id)
);
INSERT INTO "plays" VALUES('dddddddddddddddddddddddddddddddd','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',1,'01e48b67e1ee33723a575e311b4ab81dd8ff7b3ecf5a954b71b1152b367de1eb','ad','items-1','campaigns-1','lines-1','creatives-1','complete',1795000000000,10000,'{"hash": "01e48b67e1ee33723a575e311b4ab81dd8ff7b3ecf5a954b71b1152b367de1eb", "device": "dddddddddddddddddddddddddddddddd", "log_epoch": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "sequence": 1, "take": "take-1", "kind": "ad", "release": "0000000000000000000000000000000000000000000000000000000000000000", "asset": "0000000000000000000000000000000000000000000000000000000000000000", "title": "Iced mint tea", "campaign": "campaigns-1", "line": "lines-1", "started_at": "2026-03-02T09:00:10Z", "ended_at": "2026-03-02T09:00:20Z", "zone": "Europe/Berlin", "rendered_ms": 10000, "outcome": "complete", "previous_hash": "0000000000000000000000000000000000000000000000000000000000000000"}',1795000000000,1795000000000,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE promised_plays (
	channel_id VARCHAR(64) NOT NULL, 
	day INTEGER NOT NULL, 
	line_id VARCHAR(64) NOT NULL, 
	basis VARCHAR(64) NOT NULL, 
	campaign_id VARCHAR(64) NOT NULL, 
	share_ppm INTEGER, 
	plays INTEGER NOT NULL, 
	hour_00 INTEGER DEFAULT '0' NOT NULL, 
	hour_01 INTEGER DEFAULT '0' NOT NULL, 
	hour_02 INTEGER DEFAULT '0' NOT NULL, 
	hour_03 INTEGER DEFAULT '0' NOT NULL, 
	hour_04 INTEGER DEFAULT '0' NOT NULL, 
	hour_05 INTEGER DEFAULT '0' NOT NULL, 
	hour_06 INTEGER DEFAULT '0' NOT NULL, 
	hour_07 INTEGER DEFAULT '0' NOT NULL, 
	hour_08 INTEGER DEFAULT '0' NOT NULL, 
	hour_09 INTEGER DEFAULT '0' NOT NULL, 
	hour_10 INTEGER DEFAULT '0' NOT NULL, 
	hour_11 INTEGER DEFAULT '0' NOT NULL, 
	hour_12 INTEGER DEFAULT '0' NOT NULL, 
	hour_13 INTEGER DEFAULT '0' NOT NULL, 
	hour_14 INTEGER DEFAULT '0' NOT NULL, 
	hour_15 INTEGER DEFAULT '0' NOT NULL, 
	hour_16 INTEGER DEFAULT '0' NOT NULL, 
	hour_17 INTEGER DEFAULT '0' NOT NULL, 
	hour_18 INTEGER DEFAULT '0' NOT NULL, 
	hour_19 INTEGER DEFAULT '0' NOT NULL, 
	hour_20 INTEGER DEFAULT '0' NOT NULL, 
	hour_21 INTEGER DEFAULT '0' NOT NULL, 
	hour_22 INTEGER DEFAULT '0' NOT NULL, 
	hour_23 INTEGER DEFAULT '0' NOT NULL, bought FLOAT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (channel_id, day, line_id)
);
INSERT INTO "promised_plays" VALUES('abababababababababababababababababababababababababababababababab',1,'abababababababababababababababababababababababababababababababab','abababababababababababababababababababababababababababababababab','campaigns-1',1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1.0);
CREATE TABLE recovery_codes (
	person_id VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (person_id, hash), 
	FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
);
INSERT INTO "recovery_codes" VALUES('people-1','abababababababababababababababababababababababababababababababab');
CREATE TABLE release_contents (
	channel_id VARCHAR(64) NOT NULL, 
	asset VARCHAR(64) NOT NULL, 
	item VARCHAR(64) NOT NULL, 
	campaign VARCHAR(64) NOT NULL, 
	line VARCHAR(64) NOT NULL, 
	creative VARCHAR(64) NOT NULL, 
	longest_ms BIGINT NOT NULL, sequences JSON DEFAULT '[[0, null]]' NOT NULL, 
	PRIMARY KEY (channel_id, asset, item, campaign, line, creative, longest_ms)
);
INSERT INTO "release_contents" VALUES('main','622a494d3ea8c7ba2fed4f37909f14d9b50ab412322de39be62c8d6c2418bfca','playlist_items-1','campaigns-1','lines-1','creatives-1',10000,'[[0, null]]');
CREATE TABLE releases (
	channel_id VARCHAR(64) NOT NULL, 
	sequence BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	created_ms BIGINT NOT NULL, 
	items INTEGER NOT NULL, 
	ads INTEGER NOT NULL, 
	asset_bytes BIGINT NOT NULL, 
	note TEXT, 
	named BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (channel_id, sequence), 
	FOREIGN KEY(channel_id) REFERENCES channels (id)
);
INSERT INTO "releases" VALUES('main',1,'622a494d3ea8c7ba2fed4f37909f14d9b50ab412322de39be62c8d6c2418bfca',1000,1795000000000,1,1,1000,'first',1);
CREATE TABLE resets (
	hash VARCHAR(64) NOT NULL, 
	person_id VARCHAR(64) NOT NULL, 
	expires_ms BIGINT NOT NULL, 
	PRIMARY KEY (hash), 
	UNIQUE (person_id), 
	FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
);
INSERT INTO "resets" VALUES('abababababababababababababababababababababababababababababababab','people-1',1796000000000);
CREATE TABLE "sessions" (
	hash VARCHAR(64) NOT NULL, 
	key_id VARCHAR(64), 
	expires_ms BIGINT NOT NULL, 
	person_id VARCHAR(64), 
	id VARCHAR(64) NOT NULL, 
	created_ms BIGINT NOT NULL, 
	seen_ms BIGINT NOT NULL, 
	client TEXT NOT NULL, 
	browser TEXT NOT NULL, 
	PRIMARY KEY (hash), 
	CONSTRAINT sessions_of_one CHECK ((key_id IS NULL) <> (person_id IS NULL)), 
	CONSTRAINT sessions_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE, 
	FOREIGN KEY(key_id) REFERENCES keys (id) ON DELETE CASCADE
);
INSERT INTO "sessions" VALUES('622a494d3ea8c7ba2fed4f37909f14d9b50ab412322de39be62c8d6c2418bfca','keys-1',3590000000000,NULL,'622a494d3ea8c7ba',0,0,'','');
CREATE TABLE strays (
	path TEXT NOT NULL, 
	since_ms BIGINT NOT NULL, 
	PRIMARY KEY (path)
);
INSERT INTO "strays" VALUES('assets/x',1795000000000);
CREATE TABLE streams (
	media_id VARCHAR(64) NOT NULL, 
	url TEXT NOT NULL, 
	PRIMARY KEY (media_id), 
	FOREIGN KEY(media_id) REFERENCES media (id) ON DELETE CASCADE
);
INSERT INTO "streams" VALUES('media-1','https://cameras.example/live.m3u8');
CREATE TABLE uploads (
	id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	sha256 VARCHAR(64), 
	metadata TEXT, 
	offset_bytes BIGINT NOT NULL, 
	media_id VARCHAR(64), 
	created_ms BIGINT NOT NULL, 
	expires_ms BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "uploads" VALUES('uploads-1','Spring',1000,'622a494d3ea8c7ba2fed4f37909f14d9b50ab412322de39be62c8d6c2418bfca',NULL,500,'media-1',1795000000000,3590000000000);
CREATE INDEX ix_uploads_expires_ms ON uploads (expires_ms);
CREATE INDEX ix_pairings_code ON pairings (code);
CREATE INDEX ix_pairings_secret ON pairings (secret);
CREATE INDEX ix_media_source_sha256 ON media (source_sha256);
CREATE INDEX ix_media_asset_sha256 ON media (asset_sha256);
CREATE INDEX ix_media_state ON media (state);
CREATE INDEX plays_by_device ON plays (device_id, started_ms);
CREATE INDEX plays_set_aside ON plays (received_ms) WHERE set_aside IS NOT NULL;
CREATE INDEX plays_accepted ON plays (received_ms) WHERE accepted IS NOT NULL;
CREATE INDEX plays_by_line ON plays (line_id, started_ms);
CREATE INDEX plays_by_start ON plays (started_ms);
CREATE INDEX ix_playlist_items_media_id ON playlist_items (media_id);
CREATE INDEX ix_channels_fallback_media_id ON channels (fallback_media_id);
CREATE INDEX ix_channels_default_playlist_id ON channels (default_playlist_id);
CREATE INDEX ix_dayparts_playlist_id ON dayparts (playlist_id);
CREATE INDEX ix_dayparts_channel_id ON dayparts (channel_id);
CREATE INDEX ix_overlays_channel_id ON overlays (channel_id);
CREATE INDEX ix_overlays_media_id ON overlays (media_id);
CREATE INDEX ix_campaigns_channel_id ON campaigns (channel_id);
CREATE INDEX ix_lines_campaign_id ON lines (campaign_id);
CREATE INDEX ix_creatives_media_id ON creatives (media_id);
CREATE INDEX ix_creatives_line_id ON creatives (line_id);
CREATE INDEX history_by_time ON history (at_ms);
CREATE INDEX history_by_device ON history (device_id, at_ms);
CREATE INDEX plays_unsynced ON plays (device_id, log_epoch) WHERE clock = 'unsynced';
CREATE INDEX play_days_by_day ON play_days (day);
CREATE INDEX play_days_stale ON play_days (day) WHERE counted < changes;
CREATE INDEX play_sums_by_campaign ON play_sums (campaign_id, day);
CREATE INDEX play_sums_by_line ON play_sums (line_id, day);
CREATE INDEX play_sums_by_device ON play_sums (device_id, day);
CREATE INDEX play_sums_by_day ON play_sums (day, verdict);
CREATE INDEX checkpoints_by_number ON checkpoints (device_id, number);
CREATE INDEX checkpoints_by_log ON checkpoints (device_id, log_epoch, last);
CREATE INDEX checkpoints_by_time ON checkpoints (at_ms);
CREATE INDEX identity_doubts_by_device ON identity_doubts (device_id, ended_ms);
CREATE INDEX history_by_kind ON history (device_id, kind, at_ms);
CREATE INDEX history_that_corrects ON history (device_id) WHERE corrects IS NOT NULL;
CREATE INDEX plays_set_aside_by_device ON plays (device_id, received_ms) WHERE set_aside IS NOT NULL;
CREATE INDEX media_by_name ON media (name_order, id);
CREATE INDEX media_by_creation ON media (created_ms, id);
CREATE INDEX devices_by_name ON devices (name_order, id);
CREATE INDEX devices_by_channel ON devices (channel_id, name_order, id);
CREATE INDEX releases_by_creation ON releases (created_ms, channel_id, sequence);
CREATE INDEX ix_changes_number ON changes (number);
CREATE INDEX devices_by_severity ON devices (severity, unheard_ms, removed_ms);
CREATE INDEX ix_browsers_person_id ON browsers (person_id);
CREATE INDEX ix_sessions_key_id ON sessions (key_id);
CREATE INDEX ix_sessions_person_id ON sessions (person_id);
COMMIT;
