-- Bodies of webhooks that were well signed and are no payment, as they came.
CREATE TABLE refused_tellings (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  webhook_id uuid NOT NULL,
  code text COLLATE "C" NOT NULL,
  pointer text COLLATE "C" NULL,
  raw text COLLATE "C" NOT NULL,
  received_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, webhook_id) REFERENCES webhooks (mutual_id, id)
);
-- Walls: a row of a mutual is seen only inside a transaction that named this mutual.
ALTER TABLE refused_tellings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON refused_tellings USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
