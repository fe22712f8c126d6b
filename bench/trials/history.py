"""A million imports: do the lists of their history still walk an index?

usage: python -m bench.trials.history [--runs 1000000]
"""

from __future__ import annotations

import argparse
import time

import psycopg

from bench.stack import running
from bench.trials.verdict import Verdict

_FILL = """
    insert into import_run (tenant_id, file_id, state, created_by, created_at)
    select %(tenant)s, %(file)s,
           (array['completed', 'failed', 'completed_with_errors', 'cancelled'])[1 + n %% 4],
           'trial', now() - n * interval '1 minute'
      from generate_series(1, %(count)s) n
"""
LISTS = {
    "of a tenant": "select id from import_run where tenant_id = %(tenant)s"
    " order by created_at desc, id desc limit 50",
    "by state": "select id from import_run where tenant_id = %(tenant)s and state = 'failed'"
    " order by created_at desc, id desc limit 50",
    "by time": "select id from import_run where tenant_id = %(tenant)s"
    " and created_at < now() - interval '200 days' order by created_at desc, id desc limit 50",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1_000_000)
    options = parser.parse_args()
    verdict = Verdict("history of imports", 0)
    with running() as stack:
        tenant_id, api = stack.tenant()
        sent = api.post(
            "/api/v1/imports/analyze", files={"file": ("a.csv", b"Department,Budget\nA,1\n")}
        ).json()
        names = {"tenant": tenant_id, "file": sent["file_id"], "count": options.runs}
        with psycopg.connect(stack.admin, autocommit=True) as owner:
            owner.execute("set session_replication_role = replica")
            owner.execute(_FILL, names)
            owner.execute("analyze import_run")
            owner.execute("set role bursar_app")
            owner.execute("select set_config('bursar.tenant', %s, false)", (str(tenant_id),))
            for name, query in LISTS.items():
                plan = "\n".join(str(row[0]) for row in owner.execute("explain " + query, names))
                verdict.counts["plans"] += 1
                verdict.require("Index" in plan, f"{name} uses no index: {plan}")
                verdict.require("Seq Scan" not in plan, f"{name} reads the whole table: {plan}")
        start = time.perf_counter()
        answer = api.get("/api/v1/imports", params={"state": "failed", "limit": 50})
        took = time.perf_counter() - start
        verdict.require(len(answer.json()["data"]) == 50, "the list has fifty")
        verdict.counts["runs"] = options.runs
        verdict.close(page_ms=round(took * 1000))


if __name__ == "__main__":
    main()
