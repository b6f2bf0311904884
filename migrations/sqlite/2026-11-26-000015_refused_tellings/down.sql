DROP TABLE refused_tellings;
