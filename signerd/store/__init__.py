"""The only room with SQL: records, transactions, migrations."""
