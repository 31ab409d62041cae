/**
 * How long does it take to bring S services with D destinations each into an empty IPVS table, to notice that nothing
 * changed, to change every weight, and to take it all out again?
 *
 *   node dist/bench/ipvs.js [--services 50] [--destinations 100] [--backend kernel|memory] [--loop]
 *
 * `fill` ends with the kernel's last verdict, `recorded` when all that is ours has been told for the state that outlives a
 * crash. With --loop the longest turn of the event loop is measured too, which costs a timer every millisecond. Prints one line of JSON, times in ms. The kernel's table must be empty; it is empty again afterwards.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import type { Clock } from "../main/clock.js";
import type { IpvsBackend } from "../main/ipvs/backend.js";
import { KernelBackend } from "../main/ipvs/kernel-backend.js";
import { MemoryBackend } from "../main/ipvs/memory-backend.js";
import {
  type Destination,
  entryOf,
  HOST_MASK_INET,
  type ServiceEntry,
  type Table,
  tableOf,
} from "../main/ipvs/table.js";
import { IpvsWriter, type WriterOptions } from "../main/ipvs/writer.js";
import type { Log } from "../main/observe/log.js";
import { ms, port } from "../main/units.js";

const { values } = parseArgs({
  options: {
    services: { type: "string", default: "50" },
    destinations: { type: "string", default: "100" },
    backend: { type: "string", default: "kernel" },
    loop: { type: "boolean", default: false },
  },
});

const clock: Clock = {
  now: () => ms(performance.now()),
  after: (delay, fn) => {
    const timer = setTimeout(fn, Math.ceil(delay));
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

const problems: string[] = [];
const log: Log = Object.assign(
  (level: string, event: string, sentence: string) => {
    if (level === "error" || level === "warning") problems.push(`${event}: ${sentence}`);
  },
  { detail: false },
);

const octets = (base: number, n: number): string => `${base}.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

function destinationOf(n: number, weight: number): Destination {
  const thresholds = { upperThreshold: 0, lowerThreshold: 0 };
  return { family: "inet", address: octets(10, n + 1), port: port(80), forwarding: "DR", weight, ...thresholds };
}

function serviceOf(n: number, destinations: number, weight: number): ServiceEntry {
  const match = { kind: "address", protocol: "TCP", address: octets(100, n + 1), port: port(80) } as const;
  const attributes = { scheduler: "rr", flags: 0, timeoutSeconds: 0, netmask: HOST_MASK_INET, persistenceEngine: "" };
  const pool = Array.from({ length: destinations }, (_, i) => destinationOf(n * destinations + i, weight));
  return entryOf({ family: "inet", match, ...attributes }, pool);
}

const tableWith = (services: number, destinations: number, weight: number): Table =>
  tableOf(Array.from({ length: services }, (_, n) => serviceOf(n, destinations, weight)));

/** Milliseconds until `work` is done and the writer has nothing left to do. */
async function timed(work: () => void | Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return Math.round((performance.now() - begin) * 100) / 100;
}

async function readAll(backend: IpvsBackend, table: Table): Promise<number> {
  let found = 0;
  await backend.dumpServices();
  for (const { service } of table.values()) {
    const dump = await backend.dumpDestinations(service);
    if (dump.kind === "complete") found += dump.entries.length;
  }
  return found;
}

/** The writer's own end of a change: every destination has the weight that was asked for. */
async function settled(backend: IpvsBackend, table: Table, weight: number): Promise<void> {
  const last = [...table.values()].at(-1);
  if (last === undefined) return;
  for (;;) {
    const dump = await backend.dumpDestinations(last.service);
    if (dump.kind === "complete" && dump.entries.every((entry) => entry.weight === weight)) return;
  }
}

const services = Number(values.services);
const destinations = Number(values.destinations);
const backend = values.backend === "memory" ? new MemoryBackend() : new KernelBackend();
const table = tableWith(services, destinations, 1);
/** As the daemon has it, which keeps the records where they outlive a crash. */
let owned = 0;
let lastRecord = 0;
const onOwnershipChange: WriterOptions["onOwnershipChange"] = (added, removed) => {
  owned += added.length - removed.length;
  lastRecord = performance.now();
};
const writer = new IpvsWriter({ backend, clock, log, policy: () => "presence", onOwnershipChange });
const delay = monitorEventLoopDelay({ resolution: 1 });

const open = await timed(() => backend.open());
if (values.loop) delay.enable();
const begin = performance.now();
const fill = await timed(async () => {
  writer.setDesired(table);
  await writer.ready();
});
const worstTurnOfFill = values.loop ? delay.max / 1e6 : undefined;
let found = 0;
const read = await timed(async () => {
  found = await readAll(backend, table);
});
const recorded = Math.round((lastRecord - begin) * 100) / 100;
const records = owned;
const heavier = tableWith(services, destinations, 2);
const change = await timed(async () => {
  writer.forgive();
  for (const [key, entry] of heavier) writer.setService(key, entry, "bulk");
  await settled(backend, heavier, 2);
});
const release = await timed(() => writer.stop({ release: "ours" }));
const left = await backend.dumpServices();
backend.close();

const counts = { backend: backend.name, services, destinations: services * destinations, found, records };
const times = { open, fill, recorded, read, change, release, worstTurnOfFill };
const rest = left.kind === "complete" ? left.entries.length : -1;
console.log(
  JSON.stringify({
    bench: "ipvs",
    ...counts,
    ...times,
    left: rest,
    problems: problems.slice(0, 3),
    node: process.version,
  }),
);
const complete = found === services * destinations && records === found + services;
process.exitCode = complete && rest === 0 && problems.length === 0 ? 0 : 1;
