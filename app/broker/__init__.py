"""The embedded broker of a data directory as every process sees it: where its files are, and whether it runs. `app.kafka` starts and stops it."""
