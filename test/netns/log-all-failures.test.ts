import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Daemon, holdfast, type Program } from "../harness/daemon.js";
import { needs } from "../harness/needs.js";
import { lacksReferenceChecker, referenceChecker } from "../harness/reference-checker.js";
import { type ScriptedKind, type ScriptedServer, scriptedServer } from "../harness/scripted-server.js";
import { until } from "../harness/until.js";

/**
 * log_all_failures: a line for each attempt that fails while the server is up, none for those while it is down. keepalived has a
 * sentence of its own for each kind of check; how many there are has to be the same.
 */

interface Row {
  readonly kind: ScriptedKind;
  readonly script: string;
  /** keepalived's words for such an attempt. */
  readonly theirs: RegExp;
}

const own: Readonly<Record<ScriptedKind, string>> = {
  UDP_CHECK: "require_reply 61",
  DNS_CHECK: "",
  SMTP_CHECK: "",
  HTTP_GET: "url {\npath /\nstatus_code 200\n}",
};

/** Down at last, and tried four times more. */
const scripts = ["xxxxx", ".xxxxxxx", ".x.xxxxxxx"];
const words: readonly (readonly [kind: ScriptedKind, theirs: RegExp])[] = [
  ["UDP_CHECK", /UDP check to \S+ reply data mismatch/],
  ["DNS_CHECK", /DNS_CHECK \(\S+\) read error occurred/],
  ["HTTP_GET", /HTTP status code error to server/],
];
const rows: readonly Row[] = words.flatMap(([kind, theirs]) => scripts.map((script) => ({ kind, script, theirs })));

const nameOf = (i: number): string => `[10.9.0.${i + 1}]:tcp:1`;

const service = ({ kind }: Row, i: number, port: number): string => `
virtual_server 198.51.100.1 ${1000 + i} {
  lb_algo rr
  lb_kind NAT
  protocol TCP
  delay_loop 0.5
  delay_before_retry 0.2
  retry 2
  warmup 0
  real_server 10.9.0.${i + 1} 1 {
    ${kind} {
      connect_ip 127.0.0.1
      connect_port ${port}
      log_all_failures
      ${own[kind]}
    }
  }
}
`;

/** Lines about attempts of each row; ours of the one that took the server out is the reason that it gives. */
async function linesOf(program: Program): Promise<readonly number[]> {
  const dir = await mkdtemp(path.join(tmpdir(), "holdfast-failures-"));
  const servers: ScriptedServer[] = [];
  try {
    for (const { kind, script } of rows) servers.push(await scriptedServer(kind, script));
    const config = rows.map((row, i) => service(row, i, servers[i]?.port ?? 0)).join("");
    await using daemon = await Daemon.startHere(program, dir, config, ["--check"]);
    await until(`${program.name} has made all attempts`, 30_000, () =>
      rows.every(({ script }, i) => (servers[i]?.attempts.length ?? 0) > script.length),
    );
    const log = (await daemon.log()).split("\n");
    return rows.map(({ theirs }, i) => {
      const what = program.name === "keepalived" ? theirs : /attempt failed: |Check of \S+ at /;
      return log.filter((line) => line.includes(nameOf(i)) && what.test(line)).length;
    });
  } finally {
    for (const server of servers) server[Symbol.dispose]();
    await rm(dir, { recursive: true });
  }
}

const skip = needs("root", "native", "keepalived") || lacksReferenceChecker();

/** The first of all takes it out; else two are forgiven, and the third does. */
const expected = [1, 3, 4];

for (const program of [holdfast("memory"), referenceChecker])
  test(`log_all_failures, while the server is up: ${program.name}`, { skip, timeout: 60_000 }, async () => {
    assert.deepEqual(
      await linesOf(program),
      words.flatMap(() => expected),
    );
  });
