-- Two amounts that are worth the same from a day on, as a body above mutuals says. A wrong one is not edited: of several from
-- the same day the one recorded last holds.
CREATE TABLE exchange_rates (
  id BLOB NOT NULL PRIMARY KEY,
  organisation_id BLOB NOT NULL REFERENCES organisations (id),
  valid_from TEXT NOT NULL,
  currency TEXT NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  equals_currency TEXT NOT NULL CHECK (equals_currency <> currency),
  equals_minor INTEGER NOT NULL CHECK (equals_minor > 0),
  source TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX exchange_rates_by_day ON exchange_rates (organisation_id, valid_from, recorded_at);
