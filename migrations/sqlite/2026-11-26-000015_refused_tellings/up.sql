-- Bodies of webhooks that were well signed and are no payment, as they came.
CREATE TABLE refused_tellings (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  webhook_id BLOB NOT NULL,
  code TEXT NOT NULL,
  pointer TEXT NULL,
  raw TEXT NOT NULL,
  received_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, webhook_id) REFERENCES webhooks (mutual_id, id)
) STRICT, WITHOUT ROWID;
