/** How fast are bytes made into statements, without anything done with them? Fails below 50 MB/s. */
import { performance } from "node:perf_hooks";
import { Diagnostics } from "../main/config/diagnostics.js";
import type { ConfigHost } from "../main/config/ports.js";
import { StatementSource } from "../main/config/statement-source.js";
import { bigConfig } from "./big-config.js";
import { environment, median, spread } from "./figures.js";

const LEAST_MB_PER_S = 50;
const ROUNDS = 15;

const nothing = (): undefined => undefined;

/** One file in memory: the disk is not part of the question. */
const hostOf = (bytes: Uint8Array): ConfigHost => ({
  configId: "bench",
  effectiveUid: 0,
  hostName: "bench",
  workingDirectory: "/",
  readFile: () => ({ kind: "content", bytes }),
  stat: () => ({ kind: "file", uid: 0, gid: 0, mode: 0o644 }),
  realpath: (path) => path,
  list: () => [],
  user: nothing,
  group: nothing,
  userName: nothing,
  interfaceExists: () => true,
  environment: nothing,
});

/** Megabytes per second of processor time would flatter a lexer that waits; this one does not, so the wall clock it is. */
function round(bytes: Uint8Array): { mbPerSecond: number; statements: number } {
  const host = hostOf(bytes);
  const start = performance.now();
  const source = new StatementSource("/big.conf", host, new Diagnostics());
  let statements = 0;
  while (source.next() !== undefined) statements++;
  return { mbPerSecond: bytes.length / 1e3 / (performance.now() - start), statements };
}

/** The other ways through the lexer: they may be slower, but it is good to know how much. */
function variants(text: string): Readonly<Record<string, string>> {
  return {
    plain: text,
    "with quotes": text.replaceAll("lvs_sched wrr", 'lvs_sched "wrr"').replaceAll("weight 1", 'weight "1"'),
    "with definitions": `$W=1\n${text.replaceAll("weight 1", "weight $W")}`,
    "with comments": text.replaceAll("weight 1", "weight 1 # of this server\n      ! nothing"),
    "not ASCII": `# é\n${text}`,
    "not Latin-1": `# €\n${text}`,
  };
}

process.stdout.write(`${environment()}\n`);
let slow = false;
for (const [name, text] of Object.entries(variants(bigConfig().whole))) {
  const bytes = Buffer.from(text);
  const rounds = Array.from({ length: ROUNDS }, () => round(bytes));
  const rates = rounds.map(({ mbPerSecond }) => mbPerSecond);
  const first = rates[0] ?? 0;
  const figures = `${median(rates).toFixed(0)} MB/s (${spread(rates, 0)}), the first round ${first.toFixed(0)} MB/s`;
  process.stdout.write(`${name.padEnd(18)}${figures}, ${rounds[0]?.statements} statements\n`);
  if (name === "plain") slow = median(rates) < LEAST_MB_PER_S;
}
if (slow) {
  process.stdout.write(`FAILED: the plain file is read at less than ${LEAST_MB_PER_S} MB/s\n`);
  process.exitCode = 1;
}
