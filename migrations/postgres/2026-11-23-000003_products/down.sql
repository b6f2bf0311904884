-- The way back.
DROP TABLE product_versions;
DROP TABLE products;
