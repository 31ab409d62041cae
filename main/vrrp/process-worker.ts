import { readdirSync, readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { openNetlink } from "../../native-bindings/netlink.js";
import { errnoName } from "../errors.js";
import { ProcessCensus } from "./process-census.js";
import { CN_IDX_PROC, listenMessage, NETLINK_CONNECTOR, processEvents } from "./process-events.js";
import type { ProcessFacts, ProcessPattern } from "./process-match.js";

/** The thread that counts processes: every fork on the machine is heard here, and /proc is read here, not in the main thread. */

/** Thread → main. */
export type ProcessReport =
  | { readonly kind: "counts"; readonly counts: readonly number[] }
  | { readonly kind: "problem"; readonly sentence: string };

const RECEIVE_BUFFER = 1024 * 1024;
/** Events are enough as long as the kernel tells them; this mends what was missed. */
const CENSUS_MS = 30_000;
const POLL_MS = 1000;
/** For the kernel's answer to the subscription. */
const ACK_MS = 2000;
/** A new process is looked at this much later. */
const SETTLE_MS = 10;

/** What the thread is started with. */
export interface CountOrder {
  readonly patterns: readonly ProcessPattern[];
  readonly receiveBytes: number | undefined;
}

const { patterns, receiveBytes = RECEIVE_BUFFER } = workerData as CountOrder;
const wantsWords = patterns.some(({ fullCommand, match }) => fullCommand || match !== "none");
const census = new ProcessCensus(patterns, facts);
const started = new Set<number>();
let looking: "no" | "soon" = "no";
let told = "";
let flush: "none" | "due" = "none";
let taking: NodeJS.Timeout | undefined;

/** Undefined when it has ended meanwhile. */
function facts(pid: number): ProcessFacts | undefined {
  try {
    const comm = readFileSync(`/proc/${pid}/comm`, "latin1").trimEnd();
    const words = wantsWords ? readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1) : [];
    return { comm, argv: words };
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return undefined;
  }
}

function* pids(): Generator<number> {
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid) && pid > 0) yield pid;
  }
}

function take(): void {
  census.take(pids());
  tell();
}

function every(period: number): void {
  clearInterval(taking);
  taking = setInterval(take, period);
}

/** Once for all events that came together. */
function tell(): void {
  if (flush === "due") return;
  flush = "due";
  setImmediate(() => {
    flush = "none";
    const now = census.counts.join();
    if (now === told) return;
    told = now;
    post({ kind: "counts", counts: census.counts });
  });
}

const post = (report: ProcessReport): void => parentPort?.postMessage(report);

/** Most processes of a busy machine have ended by then, and cost next to nothing. */
function lookSoon(pid: number): void {
  started.add(pid);
  if (looking === "soon") return;
  looking = "soon";
  setTimeout(look, SETTLE_MS);
}

function look(): void {
  looking = "no";
  for (const pid of started) census.changed(pid);
  started.clear();
  tell();
}

function end(pid: number): void {
  started.delete(pid);
  census.gone(pid);
}

function pollInstead(reason: string): void {
  const why = `the kernel tells no process events here (${reason})`;
  const need = "they need CONFIG_PROC_EVENTS, CAP_NET_ADMIN and the initial network namespace";
  post({ kind: "problem", sentence: `Tracked processes are counted once a second: ${why}; ${need}` });
  every(POLL_MS);
}

function hear(datagram: Buffer): void {
  for (const event of processEvents(datagram)) {
    if (event.kind === "ack") {
      clearTimeout(unanswered);
      if (event.errno !== 0) pollInstead(`errno ${event.errno}`);
    } else if (event.kind === "fork") census.forked(event.parent, event.pid);
    else if (event.kind === "exit") end(event.pid);
    else if (census.has(event.pid)) census.changed(event.pid);
    else lookSoon(event.pid);
  }
  tell();
}

const unanswered = setTimeout(() => pollInstead("no answer"), ACK_MS);

/** Events first, then the census: what changes in between is heard. */
function subscribe(): string | undefined {
  try {
    const socket = openNetlink(NETLINK_CONNECTOR, receiveBytes, { onDatagram: hear, onError: take });
    socket.join(CN_IDX_PROC);
    const errno = socket.send(listenMessage(socket.portId));
    if (errno === 0) return undefined;
    socket.close();
    return `errno ${errno}`;
  } catch (error) {
    return errnoName(error) ?? String(error);
  }
}

const failure = subscribe();
if (failure === undefined) every(CENSUS_MS);
else {
  clearTimeout(unanswered);
  pollInstead(failure);
}
take();
