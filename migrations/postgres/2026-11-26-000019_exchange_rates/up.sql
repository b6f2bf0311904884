-- Two amounts that are worth the same from a day on, as a body above mutuals says. A wrong one is not edited: of several from
-- the same day the one recorded last holds.
CREATE TABLE exchange_rates (
  id uuid NOT NULL PRIMARY KEY,
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  valid_from date NOT NULL,
  currency text COLLATE "C" NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  equals_currency text COLLATE "C" NOT NULL CHECK (equals_currency <> currency),
  equals_minor bigint NOT NULL CHECK (equals_minor > 0),
  source text COLLATE "C" NOT NULL,
  recorded_by uuid NULL,
  recorded_at timestamp NOT NULL
);
CREATE INDEX exchange_rates_by_day ON exchange_rates (organisation_id, valid_from, recorded_at);
