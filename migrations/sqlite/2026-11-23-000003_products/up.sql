-- Benefit packages: owned by a mutual or by a body, versions immutable once published.
CREATE TABLE products (
  id BLOB NOT NULL PRIMARY KEY,
  owner_id BLOB NOT NULL REFERENCES organisations (id),
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  created_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  UNIQUE (owner_id, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE product_versions (
  id BLOB NOT NULL PRIMARY KEY,
  product_id BLOB NOT NULL REFERENCES products (id),
  number INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('draft', 'published')),
  valid_from TEXT NULL,
  valid_to TEXT NULL,
  parameters TEXT NOT NULL,
  created_at TEXT NOT NULL,
  published_at TEXT NULL,
  version INTEGER NOT NULL,
  UNIQUE (product_id, number),
  CHECK ((state = 'published') = (published_at IS NOT NULL)),
  CHECK (valid_from IS NULL OR valid_to IS NULL OR valid_to >= valid_from)
) STRICT, WITHOUT ROWID;
