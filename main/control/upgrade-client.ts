import { setTimeout as sleep } from "node:timers/promises";
import { DaemonError } from "../errors.js";
import { type Milliseconds, ms } from "../units.js";
import { ask, askStatus } from "./status-client.js";
import { type Edition, LAUNCHER_WAITS, type UpgradeAnswer } from "./upgrade.js";

/** The launcher's answer comes by way of a daemon that may be busy. */
const ANSWERS_WITHIN = ms(LAUNCHER_WAITS + 10_000);
/** A daemon that takes over serves before it answers; with tens of thousands of servers that takes seconds. */
const SERVES_WITHIN = ms(60_000);
const LOOK_EVERY_MS = 100;

type Upgraded = Extract<UpgradeAnswer, { readonly upgrade: unknown }>["upgrade"];

/** Asks the daemon at `path` to make way for the version that is on disk. @throws DaemonError E_SOCKET with its reason when it does not */
export function askUpgrade(path: string, timeout: Milliseconds = ANSWERS_WITHIN): Promise<Upgraded> {
  return ask(path, { get: "upgrade" }, (answer) => ("upgrade" in answer ? read(answer.upgrade) : undefined), timeout);
}

/** @throws DaemonError E_UPGRADE when the daemon that was promised does not answer */
export async function untilInService(path: string, { pid, version }: Edition, within = SERVES_WITHIN): Promise<void> {
  for (const end = performance.now() + within; performance.now() < end; await sleep(LOOK_EVERY_MS))
    if ((await pidAt(path)) === pid) return;
  const seconds = Math.round(within / 1000);
  const message = `Version ${version} (pid ${pid}) took over and does not answer at ${path} within ${seconds} s - look at its log, and whether it runs`;
  throw new DaemonError("E_UPGRADE", message);
}

/** Undefined while nobody answers. */
async function pidAt(path: string): Promise<number | undefined> {
  try {
    return (await askStatus(path)).pid;
  } catch (error) {
    if (error instanceof DaemonError) return undefined;
    throw error;
  }
}

function read(value: unknown): Upgraded | undefined {
  if (typeof value !== "object" || value === null || !("from" in value && "to" in value)) return undefined;
  const [from, to] = [edition(value.from), edition(value.to)];
  return from && to && { from, to };
}

function edition(value: unknown): Edition | undefined {
  if (typeof value !== "object" || value === null || !("version" in value && "pid" in value)) return undefined;
  const { version, pid } = value;
  return typeof version === "string" && typeof pid === "number" ? { version, pid } : undefined;
}
