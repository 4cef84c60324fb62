"""The gateway's database: engine, tables, queries and migrations."""
