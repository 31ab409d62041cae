import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Daemon, holdfast, type Program } from "../harness/daemon.js";
import { needs } from "../harness/needs.js";
import { lacksReferenceChecker, referenceChecker } from "../harness/reference-checker.js";
import { type Script, type ScriptedKind, type ScriptedServer, scriptedServer } from "../harness/scripted-server.js";
import { until } from "../harness/until.js";
import { started } from "./check-dump.js";

/**
 * When a check is tried again, and what its failures do: servers that follow a script, checked by us and by Debian's keepalived. Intervals
 * between attempts show every decision, since those of delay_loop and delay_before_retry are far from each other; the log tells how
 * often the real server was taken out and put back.
 */

interface Row {
  readonly rule: string;
  readonly kind: ScriptedKind;
  /** One checker each; what is expected of intervals is of the first one. */
  readonly scripts: readonly Script[];
  readonly virtualServer?: readonly string[];
  readonly realServer?: readonly string[];
  readonly checker?: readonly string[];
  /** Between attempts, ms. */
  readonly gaps: readonly number[];
  readonly out: number;
  readonly back: number;
  /** Where keepalived does something else on purpose of ours (docs/differences.md). */
  readonly theirs?: { readonly gaps: readonly number[]; readonly out: number; readonly back: number };
}

const L = 2000; // delay_loop
const B = 600; // delay_before_retry
const T = 1400; // connect_timeout, where silence is part of a script
const usual = [`delay_loop ${L / 1000}`, `delay_before_retry ${B / 1000}`, "connect_timeout 4", "warmup 0"];
const exchange = ["UDP_CHECK", "DNS_CHECK", "HTTP_GET", "SMTP_CHECK"] as const;

const rows: readonly Row[] = [
  ...exchange.map((kind): Row => {
    const checker = ["retry 1"];
    return { rule: "a failure is retried once", kind, scripts: [".x."], checker, gaps: [L, B, L], out: 0, back: 0 };
  }),
  ...exchange.map((kind): Row => {
    const checker = ["retry 1"];
    return { rule: "out, and back", kind, scripts: [".xx."], checker, gaps: [L, B, L, L], out: 1, back: 1 };
  }),
  ...(["UDP_CHECK", "DNS_CHECK", "HTTP_GET"] as const).map(
    (kind): Row => ({
      rule: "the first failure of all counts",
      kind,
      scripts: ["xx."],
      gaps: [L, L, L],
      out: 1,
      back: 1,
    }),
  ),
  {
    rule: "the first failure of all, SMTP",
    kind: "SMTP_CHECK",
    scripts: ["xxx."],
    gaps: [L, L, L],
    out: 1,
    back: 1,
    theirs: { gaps: [B, L, B], out: 1, back: 1 },
  },
  { rule: "retry by default 1", kind: "UDP_CHECK", scripts: [".xx."], gaps: [L, B, L], out: 1, back: 1 },
  { rule: "retry by default 3 of DNS", kind: "DNS_CHECK", scripts: [".xxxx."], gaps: [L, B, B, B, L], out: 1, back: 1 },
  {
    rule: "pause by default delay_loop of DNS",
    kind: "DNS_CHECK",
    scripts: [".x."],
    virtualServer: [`delay_loop ${L / 1000}`, "warmup 0", "connect_timeout 4"],
    gaps: [L, L, L],
    out: 0,
    back: 0,
  },
  {
    rule: "retry of the virtual server",
    kind: "UDP_CHECK",
    scripts: [".xxx."],
    virtualServer: [...usual, "retry 3"],
    gaps: [L, B, B, B, L],
    out: 0,
    back: 0,
  },
  {
    rule: "retry of the real server before that of the virtual server",
    kind: "UDP_CHECK",
    scripts: [".xxx."],
    virtualServer: [...usual, "retry 3"],
    realServer: ["retry 2"],
    gaps: [L, B, B, L],
    out: 1,
    back: 1,
  },
  {
    rule: "retry of the checker before all, and 0 is none",
    kind: "UDP_CHECK",
    scripts: [".x."],
    virtualServer: [...usual, "retry 3"],
    realServer: ["retry 2"],
    checker: ["retry 0"],
    gaps: [L, L, L],
    out: 1,
    back: 1,
  },
  {
    rule: "delay_loop of the real server",
    kind: "UDP_CHECK",
    scripts: ["."],
    realServer: [`delay_loop ${(2 * L) / 1000}`],
    gaps: [2 * L],
    out: 0,
    back: 0,
  },
  {
    rule: "delay_loop of the checker",
    kind: "DNS_CHECK",
    scripts: ["."],
    realServer: [`delay_loop ${(2 * L) / 1000}`],
    checker: [`delay_loop ${B / 1000}`],
    gaps: [B, B, B, B],
    out: 0,
    back: 0,
  },
  {
    rule: "delay_before_retry of the checker",
    kind: "UDP_CHECK",
    scripts: [".x."],
    realServer: [`delay_before_retry ${(2 * L) / 1000}`],
    checker: [`delay_before_retry ${L / 1000}`],
    gaps: [L, L, L],
    out: 0,
    back: 0,
  },
  {
    rule: "connect_timeout of the real server",
    kind: "UDP_CHECK",
    scripts: [".--."],
    realServer: [`connect_timeout ${T / 1000}`],
    gaps: [L, T + B, T + L],
    out: 1,
    back: 1,
  },
  {
    rule: "connect_timeout of the checker",
    kind: "DNS_CHECK",
    scripts: [".-."],
    realServer: ["connect_timeout 0.1"],
    checker: [`connect_timeout ${T / 1000}`, "retry 1"],
    gaps: [L, T + B, L],
    out: 0,
    back: 0,
  },
  ...exchange.map((kind): Row => {
    const realServer = ["alpha"];
    return { rule: "alpha: in with the first success", kind, scripts: ["."], realServer, gaps: [L], out: 0, back: 1 };
  }),
  ...exchange.map((kind): Row => {
    const checker = ["alpha"];
    const row = { rule: "alpha: a failure takes nothing out", kind, scripts: ["xx."], checker, out: 0, back: 1 };
    const gaps = [L, L, L];
    return kind === "SMTP_CHECK" ? { ...row, gaps, theirs: { gaps: [B, L, L], out: 0, back: 1 } } : { ...row, gaps };
  }),
  {
    rule: "alpha of several checkers: in when the last of them passes",
    kind: "UDP_CHECK",
    scripts: ["xx.", ".", "x."],
    realServer: ["alpha"],
    gaps: [L, L, L],
    out: 0,
    back: 1,
  },
  {
    rule: "several checkers: one that fails is enough",
    kind: "UDP_CHECK",
    scripts: [".x.", "."],
    checker: ["retry 0"],
    gaps: [L, L, L],
    out: 1,
    back: 1,
  },
  {
    rule: "several checkers: back when all pass",
    kind: "UDP_CHECK",
    scripts: [".xx.", "..xx."],
    checker: ["retry 0"],
    gaps: [L, L, L, L],
    out: 1,
    back: 1,
  },
];

const own: Readonly<Record<ScriptedKind, string>> = {
  UDP_CHECK: "require_reply 61",
  DNS_CHECK: "",
  SMTP_CHECK: "",
  HTTP_GET: "url {\npath /\nstatus_code 200\n}",
};

const serviceOf = (
  { kind, virtualServer = usual, realServer = [], checker = [] }: Row,
  i: number,
  ports: readonly number[],
) => `
virtual_server 198.51.100.1 ${1000 + i} {
  lb_kind NAT
  protocol TCP
  ${virtualServer.join("\n")}
  real_server 10.9.0.${i + 1} 1 {
    ${realServer.join("\n")}
    ${ports.map((port) => [`${kind} {`, "connect_ip 127.0.0.1", `connect_port ${port}`, own[kind], ...checker, "}"].join("\n")).join("\n")}
  }
}
`;

/** What is to be seen of a row, and what was. */
interface Seen {
  readonly gaps: readonly number[];
  readonly out: number;
  readonly back: number;
}

async function checked(program: Program, dir: string): Promise<readonly Seen[]> {
  const servers: (readonly ScriptedServer[])[] = [];
  try {
    for (const { kind, scripts } of rows)
      servers.push(await Promise.all(scripts.map((script) => scriptedServer(kind, script))));
    const config = rows.map((row, i) => serviceOf(row, i, servers[i]?.map(({ port }) => port) ?? [])).join("");
    await using daemon = await started(() => Daemon.startHere(program, dir, config, ["--check"]));
    const attempts = (i: number): readonly number[] => servers[i]?.[0]?.attempts ?? [];
    // The last attempt has been judged, and told, when the next one comes.
    await until(`${program.name} has made all attempts`, 60_000, () =>
      rows.every(
        (row, i) =>
          attempts(i).length >= Math.max(wantedOf(row, program).gaps.length, ...row.scripts.map((s) => s.length)) + 2,
      ),
    );
    const told = async (): Promise<readonly Pick<Seen, "out" | "back">[]> => {
      const log = await daemon.log();
      const count = (text: string): number => log.split(text).length - 1;
      return rows.map((_, i) => ({
        out: count(`Removing service [10.9.0.${i + 1}]:tcp:1 `),
        back: count(`Adding service [10.9.0.${i + 1}]:tcp:1 `),
      }));
    };
    // The log is written by another thread than the one that acts.
    const isAll = (list: readonly Pick<Seen, "out" | "back">[]): boolean =>
      rows.every((row, i) => {
        const { out, back } = wantedOf(row, program);
        return (list[i]?.out ?? 0) >= out && (list[i]?.back ?? 0) >= back;
      });
    await until("all is told", 10_000, async () => isAll(await told()), 50).catch(() => undefined);
    const counts = await told();
    return rows.map((row, i) => {
      const times = attempts(i).slice(0, wantedOf(row, program).gaps.length + 1);
      return {
        gaps: times.slice(1).map((time, n) => Math.round(time - (times[n] ?? 0))),
        ...(counts[i] ?? { out: -1, back: -1 }),
      };
    });
  } finally {
    for (const server of servers.flat()) server[Symbol.dispose]();
  }
}

const wantedOf = (row: Row, program: Program): Seen => (program.name === "keepalived" ? (row.theirs ?? row) : row);

/**
 * Less than lies between any two of the intervals. A busy machine makes them longer: what is counted from is the server's answer, which
 * comes after the server has noted the attempt; only after silence they may be shorter.
 */
const [early, late] = [500, 1300];

const isAsWanted = (seen: Seen, wanted: Seen): boolean =>
  seen.out === wanted.out &&
  seen.back === wanted.back &&
  wanted.gaps.every((gap, n) => {
    const more = (seen.gaps[n] ?? Number.NaN) - gap;
    return more > -early && more < late;
  });

const skip = needs("root", "native", "keepalived") || lacksReferenceChecker();

for (const program of [holdfast("memory"), referenceChecker]) {
  test(`when checks are repeated, and what they do: ${program.name}`, { skip, timeout: 150_000 }, async () => {
    const dir = await mkdtemp(path.join(tmpdir(), "holdfast-policy-"));
    try {
      const seen = await checked(program, dir);
      const wrong = rows.flatMap((row, i) => {
        const { gaps, out, back } = wantedOf(row, program);
        const one = seen[i] ?? { gaps: [], out: -1, back: -1 };
        const name = `${row.kind} ${row.scripts.join(" ")}, ${row.rule}`;
        return isAsWanted(one, { gaps, out, back }) ? [] : [{ name, seen: one, wanted: { gaps, out, back } }];
      });
      assert.deepEqual(wrong, []);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
}
