"""No statement reaches across tenants by forgetting to say whose: the tenant begins the key of what apps store."""

from __future__ import annotations

from gateway.storage.sql.schema import metadata

SHARED = {
    "processes": "the gateway's own",
    "api_keys": "found by the id that a caller shows; the tenant stands in the row",
    "audit": "one chain over all tenants",
    "registered_tools": "tools belong to the gateway",
    "accounts": "the tenant is a part of the account's name",
    "reservations": "the tenant is a part of the account's name",
    "rates": "the tenant is a part of the bucket's name",
}
"""Every other table, and why its key may begin otherwise."""


def test_the_tenant_begins_the_key_of_every_table_of_what_apps_store() -> None:
    first = {name: next(iter(table.primary_key)).name for name, table in metadata.tables.items()}
    assert {name for name, column in first.items() if column != "tenant"} == set(SHARED)


def test_what_hangs_on_a_row_hangs_on_it_by_its_tenant_too() -> None:
    for table in metadata.tables.values():
        for reference in table.foreign_key_constraints:
            if "tenant" in table.primary_key.columns:
                assert reference.column_keys[0] == "tenant", table.name
