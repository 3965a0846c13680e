"""The SQL that keeps companies apart, for migrations: grants, row-level security and the policies of each role."""

OWN_COMPANY = "NULLIF(current_setting('app.company', true), '')::uuid"
"""The company of the transaction, or NULL (no rows) when none was set. After a SET LOCAL expires it reads '', not NULL."""


def protect(table: str, *, column: str = "company_id") -> list[str]:
    """Statements that let the app role see and write only its company's rows, and the platform role every row it may read.

    FORCE applies the policies to the owner too. Every table with a `company_id` must pass through here; a test reads the
    catalogue and fails on one that did not.
    """
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY own_company ON "{table}" TO saasbot_app '
        f"USING ({column} = {OWN_COMPANY}) WITH CHECK ({column} = {OWN_COMPANY})",
        f'CREATE POLICY every_company ON "{table}" TO saasbot_platform USING (true) WITH CHECK (true)',
        f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO saasbot_app',
        f'GRANT SELECT ON "{table}" TO saasbot_platform',
    ]
