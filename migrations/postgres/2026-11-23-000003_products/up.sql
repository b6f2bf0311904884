-- Benefit packages: owned by a mutual or by a body, versions immutable once published.
CREATE TABLE products (
  id uuid NOT NULL PRIMARY KEY,
  owner_id uuid NOT NULL REFERENCES organisations (id),
  code text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  currency text COLLATE "C" NOT NULL,
  created_at timestamp NOT NULL,
  version bigint NOT NULL,
  UNIQUE (owner_id, code)
);
CREATE TABLE product_versions (
  id uuid NOT NULL PRIMARY KEY,
  product_id uuid NOT NULL REFERENCES products (id),
  number integer NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('draft', 'published')),
  valid_from date NULL,
  valid_to date NULL,
  parameters text COLLATE "C" NOT NULL,
  created_at timestamp NOT NULL,
  published_at timestamp NULL,
  version bigint NOT NULL,
  UNIQUE (product_id, number),
  CHECK ((state = 'published') = (published_at IS NOT NULL)),
  CHECK (valid_from IS NULL OR valid_to IS NULL OR valid_to >= valid_from)
);
