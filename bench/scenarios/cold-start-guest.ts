/** Inside the guest of cold-start.ts. Arguments: the programs, separated by commas; then servers and rounds, in pairs. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { loadIpvs } from "../../test/harness/ipvs.js";
import { compiled } from "../../test/harness/project.js";
import { guestResults } from "../../test/harness/uml.js";
import { Stand } from "../measure/stand.js";
import { type StartTime, startTime } from "../measure/start-time.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { Checker } from "../peers/peer.js";

export const guestReport = "cold-start.json";

export interface GuestStart {
  readonly servers: number;
  readonly subject: string;
  /** Or why there is none. */
  readonly result: StartTime | string;
}

/** Long: one processor that is a guest cannot check 37,000 servers every 6 s, and a start is what is measured. */
export const guestDelayLoopSeconds = 60;
const WITHIN_MS = 120_000;

/**
 * In a network namespace of its own: a destination that is removed stays in its namespace's trash for two minutes, and each that is
 * added is looked up there first, one by one (ip_vs_trash_get_dest). Who comes second would wait for who came first.
 */
async function startAfresh(checker: Checker, servers: number): Promise<StartTime> {
  await using stand = await Stand.create("director");
  const host = stand.host("director");
  await loadIpvs(host);
  const start = { host, dir: stand.lan.dir, ipvs: "kernel", servers, withinMs: WITHIN_MS } as const;
  return await startTime(checker, { ...start, delayLoopSeconds: guestDelayLoopSeconds, untilAllChecked: false });
}

async function main(names: readonly string[], sizes: readonly number[]): Promise<void> {
  const results: GuestStart[] = [];
  for (let i = 0; i < sizes.length; i += 2) {
    const [servers = 0, rounds = 0] = sizes.slice(i, i + 2);
    for (let round = 0; round < rounds; round++)
      for (const checker of [keepalived, holdfast].filter(({ name }) => names.includes(name))) {
        const result = await startAfresh(checker, servers).catch(String);
        const one: GuestStart = { servers, subject: checker.name, result };
        results.push(one);
        process.stdout.write(`${JSON.stringify(one)}\n`);
      }
  }
  await writeFile(path.join(guestResults, guestReport), JSON.stringify(results));
}

if (process.argv[1] === compiled("bench/scenarios/cold-start-guest.ts"))
  await main((process.argv[2] ?? "").split(","), process.argv.slice(3).map(Number));
