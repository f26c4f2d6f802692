"""What must be true of the rows in the database whenever nobody writes: nothing is half done."""

from dataclasses import dataclass
from typing import Protocol

Row = tuple[object, ...]


class Rows(Protocol):
    async def __call__(self, sql: str) -> list[Row]: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """A statement that finds what breaks the rule: no rows are good."""

    sentence: str
    violations: str


RULES = (
    Rule(
        "the counts of the policies are those of their clients",
        """SELECT policy, sum(counted), sum(there) FROM (
            SELECT policy, clients AS counted, 0 AS there FROM client_counts
            UNION ALL SELECT policy, 0, count(*) FROM clients GROUP BY policy) AS both_sides
        GROUP BY policy HAVING sum(counted) <> sum(there)""",
    ),
    Rule(
        "a token was used once for each registration of its holder, and not too often",
        """SELECT token.subject, token.uses, token.max_uses, count(told.id)
        FROM initial_access_tokens AS token LEFT JOIN audit AS told
            ON told.subject = token.subject AND told.action = 'client_registered'
        GROUP BY token.token_hash, token.subject, token.uses, token.max_uses
        HAVING token.uses <> count(told.id) OR token.uses > token.max_uses""",
    ),
    Rule(
        "a token that was asked for until it was refused was used as often as it may be",
        "SELECT subject, uses, max_uses FROM initial_access_tokens WHERE uses <> max_uses",
    ),
    Rule(
        "each client was registered once, and each that was and is gone was deleted once",
        """SELECT client_id, sum(there), sum(registered), sum(deleted) FROM (
            SELECT client_id, 1 AS there, 0 AS registered, 0 AS deleted FROM clients
            UNION ALL SELECT client_id, 0, 1, 0 FROM audit WHERE action = 'client_registered'
            UNION ALL SELECT client_id, 0, 0, 1 FROM audit WHERE action = 'client_deleted'
        ) AS told
        GROUP BY client_id
        HAVING sum(registered) <> 1 OR sum(there) + sum(deleted) <> 1""",
    ),
    Rule(
        "an Idempotency-Key ends if and only if its client is gone",
        """SELECT held.client_id, held.expires_at FROM idempotency_keys AS held
        LEFT JOIN clients ON clients.client_id = held.client_id
        WHERE (clients.client_id IS NULL) <> (held.expires_at IS NOT NULL)""",
    ),
    Rule(
        "a registration has one Idempotency-Key, since each was asked for with another",
        """SELECT client_id, count(*) FROM idempotency_keys GROUP BY client_id
        HAVING count(*) <> 1""",
    ),
)


async def broken_rules(rows: Rows) -> list[str]:
    found = [(rule, await rows(rule.violations)) for rule in RULES]
    return [f"{rule.sentence}: broken by {some[:3]}" for rule, some in found if some]
