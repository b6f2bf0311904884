DROP TABLE target_populations;
DROP TABLE figure_settings;
DROP TABLE release_cuts;
DROP TABLE releases;
DROP TABLE month_steps;
