import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  crashTree,
  descendants,
  environmentOf,
  executableOf,
  hasWork,
  processorTicks,
  signal,
} from "./process-tree.js";
import { projectRoot } from "./project.js";
import { until } from "./until.js";

/** A program that reads a keepalived.conf: ours or the reference. */
export interface Program {
  readonly name: "holdfast" | "keepalived";
  /** Command and options up to, and without, what names files. */
  readonly argv: readonly string[];
}

/** Where one daemon keeps its files; every daemon has its own, since all share the machine's file system. */
export interface DaemonFiles {
  readonly config: string;
  readonly log: string;
  readonly controlSocket: string;
}

const common = ["--dont-fork", "--log-console", "--log-detail", "--no-syslog"];

export const keepalived: Program = { name: "keepalived", argv: ["keepalived", ...common] };

/** @param ipvs back end of the IPVS table; `kernel` where ip_vs is there */
export function holdfast(ipvs: "kernel" | "memory"): Program {
  return { name: "holdfast", argv: [path.join(projectRoot, "bin/holdfast"), ...common, "--ipvs", ipvs] };
}

/** Each run has its own files: keepalived takes the pid file of a killed run for a living daemon until init reaps it. */
let nextRun = 0;

/** Patience with a daemon that was asked to leave: scripts get 1 s, IGMP leave 1 s, child_wait_time 5 s. */
const STOP_MS = 15_000;

/** Until a line that must come is there: patience with a busy machine, no bound on the program. */
const SAYING_MS = 60_000;

/** Of every process that keepalived may have: one that another instance holds, in whichever network namespace, keeps it from starting. */
const pidFileOptions = { "-p": "", "-r": ".vrrp", "-c": ".checkers", "-b": ".bfd" };

/** A daemon in the foreground of its own network namespace. Disposing stops it, by force if it has to be. */
export class Daemon implements AsyncDisposable {
  readonly program: Program;
  readonly files: DaemonFiles;
  /** Just before its process was made, ns of CLOCK_MONOTONIC. */
  readonly startedNs: number;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;

  private constructor(program: Program, files: DaemonFiles, startedNs: number, child: ChildProcess) {
    this.program = program;
    this.files = files;
    this.startedNs = startedNs;
    this.#child = child;
    this.#exit = once(child, "exit");
  }

  /** @param dir where its files go @param extra options for this run, for instance `--vrrp` */
  static start(
    namespace: string,
    program: Program,
    dir: string,
    config: string,
    extra?: readonly string[],
  ): Promise<Daemon> {
    return Daemon.#start(["ip", "netns", "exec", namespace], path.join(dir, namespace), program, config, extra);
  }

  /** Starts it in the network of this process; nothing that needs root is done. */
  static startHere(program: Program, dir: string, config: string, extra?: readonly string[]): Promise<Daemon> {
    return Daemon.#start([], path.join(dir, program.name), program, config, extra);
  }

  static async #start(
    prefix: readonly string[],
    name: string,
    program: Program,
    config: string,
    extra: readonly string[] = [],
  ): Promise<Daemon> {
    const base = `${name}-${nextRun++}`;
    const files = { config: `${base}.conf`, log: `${base}.log`, controlSocket: `${base}.sock` };
    await writeFile(files.config, config);
    const pidFiles = Object.entries(pidFileOptions).flatMap(([option, kind]) => [option, `${base}${kind}.pid`]);
    const own = program.name === "holdfast" ? ["--control-socket", files.controlSocket] : [];
    const [command = "", ...args] = [...prefix, ...program.argv, "-f", files.config, ...pidFiles, ...own, ...extra];
    const log = openSync(files.log, "a");
    try {
      const startedNs = Number(process.hrtime.bigint());
      const child = spawn(command, args, { stdio: ["ignore", log, log] });
      await once(child, "spawn");
      return new Daemon(program, files, startedNs, child);
    } finally {
      closeSync(log); // the child has its own
    }
  }

  /** The launcher of holdfast, the parent process of keepalived: `ip netns exec` becomes what it starts. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.program.name} was not started`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The Node process behind holdfast's launcher that is the daemon, not its spare. Undefined while there is none. */
  get nodePid(): number | undefined {
    return this.#nodes().find((pid) => environmentOf(pid, "HOLDFAST_STANDBY") === undefined);
  }

  /** To that process, and to no other: 0 would be everybody in this process group. @throws Error while there is none */
  signalNode(name: NodeJS.Signals): void {
    const pid = this.nodePid;
    if (pid === undefined) throw new Error(`${this.program.name} has no Node process`);
    signal(pid, name);
  }

  /** The Node process that stands by for the next crash. Undefined while there is none. */
  get sparePid(): number | undefined {
    return this.#nodes().find((pid) => environmentOf(pid, "HOLDFAST_STANDBY") !== undefined);
  }

  /**
   * Whether there is a spare that has loaded its code, at its low priority: it used no processor time for a second, and not because
   * it got none.
   */
  async spareRests(): Promise<boolean> {
    const pid = this.sparePid;
    const before = pid === undefined ? undefined : processorTicks(pid);
    if (pid === undefined || before === undefined || before === 0 || hasWork(pid)) return false;
    await sleep(1000);
    return this.sparePid === pid && !hasWork(pid) && processorTicks(pid) === before;
  }

  #nodes(): readonly number[] {
    return descendants(this.pid).filter((pid) => path.basename(executableOf(pid) ?? "").startsWith("node"));
  }

  signal(name: NodeJS.Signals): void {
    signal(this.pid, name);
  }

  /** Asks it to leave, as `systemctl stop` does. @throws Error when it has to be killed */
  async stop(): Promise<void> {
    if (!this.running) return;
    const pid = this.pid;
    let forced = false;
    const patience = setTimeout(() => {
      forced = true;
      crashTree(pid);
    }, STOP_MS);
    this.signal("SIGTERM");
    await this.#exit;
    clearTimeout(patience);
    if (forced)
      throw new Error(`${this.program.name} did not end within ${STOP_MS} ms of SIGTERM; see ${this.files.log}`);
  }

  /** Ends launcher, daemon and spare at once, without a word to anybody: a power cut. */
  async crash(): Promise<void> {
    if (!this.running) return;
    crashTree(this.pid);
    await this.#exit;
  }

  log(): Promise<string> {
    return readFile(this.files.log, "utf8");
  }

  /**
   * Until it is in the log. Who writes it is another thread than the one that acts: what it tells of may be seen on the host, and
   * in other lines, before.
   */
  async says(...what: readonly (string | RegExp)[]): Promise<void> {
    for (const one of what) {
      const isThere = (log: string): boolean => (typeof one === "string" ? log.includes(one) : one.test(log));
      await until(`"${String(one)}" in ${this.files.log}`, SAYING_MS, async () => isThere(await this.log()), 20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
  }
}
