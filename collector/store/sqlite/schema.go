package sqlite

// migrations bring a database from version i to i+1; user_version counts them.
// A migration that has shipped is never changed.
var migrations = []string{`
CREATE TABLE device (
  id TEXT PRIMARY KEY,
  serial TEXT NOT NULL,
  hostname TEXT NOT NULL,
  person TEXT NOT NULL,
  verdict TEXT NOT NULL,
  risk REAL NOT NULL,
  summary BLOB NOT NULL,
  picture BLOB NOT NULL,
  judgement BLOB NOT NULL
) STRICT;
CREATE INDEX device_risk ON device (risk DESC, id);
CREATE INDEX device_serial ON device (serial);

CREATE TABLE report (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  observed_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  peer TEXT NOT NULL,
  peer_rtt_ms REAL NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (device, boot_id, sequence)
) STRICT;
CREATE INDEX report_received ON report (received_at);

-- Outlives the reports, so that redelivery is recognised after they are pruned.
CREATE TABLE receipt (
  device TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (device, boot_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  at INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX event_device ON event (device, at);

CREATE TABLE alert (
  id TEXT PRIMARY KEY,
  device TEXT NOT NULL,
  state TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_opened ON alert (opened_at DESC);
-- At most one alert of a device is not closed.
CREATE UNIQUE INDEX alert_standing ON alert (device) WHERE state <> 'closed';

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  device TEXT NOT NULL,
  body BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE outbox_position (
  output TEXT PRIMARY KEY,
  id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
  id TEXT PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  note TEXT NOT NULL,
  max_uses INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
  id TEXT PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE identity (
  device TEXT PRIMARY KEY,
  serial TEXT NOT NULL,
  secret_id TEXT NOT NULL,
  enrolled_at INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL,
  revoke_note TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);

CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
`, `
CREATE TABLE chain (
  device TEXT PRIMARY KEY,
  current BLOB NOT NULL,
  previous BLOB NOT NULL,
  boot_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`, `
ALTER TABLE identity ADD COLUMN supersedes TEXT NOT NULL DEFAULT '';
ALTER TABLE identity ADD COLUMN superseded_by TEXT NOT NULL DEFAULT '';
ALTER TABLE identity ADD COLUMN superseded_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE identity ADD COLUMN ca TEXT NOT NULL DEFAULT '';
ALTER TABLE identity ADD COLUMN trusts TEXT NOT NULL DEFAULT ''; -- separated by spaces
CREATE INDEX identity_serial ON identity (serial);
ALTER TABLE secret ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE secret ADD COLUMN refused_at INTEGER NOT NULL DEFAULT 0;
`, `
-- When the latest report of the boot was received. Of what came before this version
-- only the latest that is still there is known; without any, it counts from now.
ALTER TABLE receipt ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE receipt SET at = coalesce((SELECT max(received_at) FROM report
  WHERE report.device = receipt.device AND report.boot_id = receipt.boot_id), unixepoch() * 1000);
CREATE INDEX receipt_at ON receipt (at);
CREATE INDEX event_at ON event (at);
CREATE INDEX identity_revoked ON identity (revoked_at) WHERE revoked_at > 0;
`, `
-- What the company says of laptops, tools and offices, by source, from the version that
-- said it first until the one that said something else; until is 0 while it holds.
CREATE TABLE roster_version (
  n INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  origin TEXT NOT NULL,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  refused INTEGER NOT NULL
) STRICT;
CREATE INDEX roster_digest ON roster_version (digest);
CREATE TABLE roster_record (
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (source, kind, key, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX roster_since ON roster_record (since);
CREATE INDEX roster_until ON roster_record (until);
`, `
-- What verdicts were judged by, and of that what is kept nowhere else.
CREATE TABLE content (
  digest TEXT PRIMARY KEY,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE basis (
  id INTEGER PRIMARY KEY,
  rules TEXT NOT NULL,
  catalog TEXT NOT NULL,
  roster TEXT NOT NULL,
  collector TEXT NOT NULL,
  UNIQUE (rules, catalog, roster, collector)
) STRICT;
CREATE TABLE verdict (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  at INTEGER NOT NULL,
  occasion TEXT NOT NULL,
  judged_at INTEGER NOT NULL,
  basis INTEGER NOT NULL REFERENCES basis (id),
  verdict TEXT NOT NULL,
  kind TEXT NOT NULL,
  risk REAL NOT NULL,
  hosted_risk REAL NOT NULL,
  displaced_risk REAL NOT NULL,
  fingerprint BLOB NOT NULL,
  inputs BLOB NOT NULL,
  UNIQUE (device, at, occasion)
) STRICT;
CREATE INDEX verdict_judged ON verdict (judged_at);
CREATE INDEX verdict_basis ON verdict (basis);
CREATE INDEX basis_catalog ON basis (catalog);
-- What verdicts were judged by goes with the last that names it.
CREATE TRIGGER verdict_gone AFTER DELETE ON verdict BEGIN
  DELETE FROM basis WHERE id = OLD.basis AND NOT EXISTS (SELECT 1 FROM verdict WHERE basis = OLD.basis);
END;
CREATE TRIGGER verdict_again AFTER UPDATE OF basis ON verdict WHEN OLD.basis <> NEW.basis BEGIN
  DELETE FROM basis WHERE id = OLD.basis AND NOT EXISTS (SELECT 1 FROM verdict WHERE basis = OLD.basis);
END;
CREATE TRIGGER basis_gone AFTER DELETE ON basis BEGIN
  DELETE FROM content WHERE digest = OLD.rules AND NOT EXISTS (SELECT 1 FROM basis WHERE rules = OLD.rules);
  DELETE FROM content WHERE digest = OLD.catalog AND NOT EXISTS (SELECT 1 FROM basis WHERE catalog = OLD.catalog);
END;
`}
