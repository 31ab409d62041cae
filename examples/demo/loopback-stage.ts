import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Daemon, holdfast } from "../../test/harness/daemon.js";
import { compiled } from "../../test/harness/project.js";
import { until } from "../../test/harness/until.js";
import { type Snapshot, statusOf, tableFromStatus } from "./snapshot.js";
import { type Stage, took } from "./stage.js";
import type { Step } from "./story.js";

const EDGE_MS = 10_000;
const START_MS = 30_000;
/** Of web1 and web2; unprivileged, and below the range that the kernel hands out. */
const ports = { web1: 18_081, web2: 18_082 } as const;
type Web = keyof typeof ports;

const realServer = (port: number): string => `  real_server 127.0.0.1 ${port} {
    TCP_CHECK {
      connect_timeout 1
      retry 1
      delay_before_retry 1
    }
  }`;

const config = `virtual_server 192.0.2.188 80 {
  delay_loop 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
${Object.values(ports).map(realServer).join("\n")}
}
`;

/** What anybody may run: health checks of two web servers on loopback, and the table in memory. */
export class LoopbackStage implements Stage {
  readonly steps: readonly Step[] = [
    { title: "a director (checks only) and two web servers start", run: () => this.#start() },
    { title: "web2 stops", run: () => this.#webStops() },
    { title: "web2 comes back", run: () => this.#webReturns() },
  ];
  readonly #dir: string;
  readonly #webs = new Map<Web, ChildProcess>();
  #daemon: Daemon | undefined;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async create(): Promise<LoopbackStage> {
    return new LoopbackStage(await mkdtemp(path.join(tmpdir(), "holdfast-demo-")));
  }

  async snapshot(): Promise<Snapshot> {
    const status = await statusOf(this.#daemon);
    return { directors: [], servers: status?.virtualServers ?? [], table: tableFromStatus(status) };
  }

  async logs(): Promise<string> {
    return this.#daemon === undefined ? "" : this.#daemon.log();
  }

  restore(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.stop();
    for (const web of [...this.#webs.keys()]) await this.#stopWeb(web);
    await rm(this.#dir, { recursive: true });
  }

  async #start(): Promise<string> {
    for (const web of ["web1", "web2"] as const) await this.#startWeb(web);
    this.#daemon = await Daemon.startHere(holdfast("memory"), this.#dir, config, ["--check"]);
    const start = await until("both are in service", START_MS, () => this.#states("up", "up"), 50);
    return `both in service after ${took(start)}`;
  }

  async #webStops(): Promise<string> {
    await this.#stopWeb("web2");
    return `out of the table after ${took(await until("web2 leaves the table", EDGE_MS, () => this.#states("up", "down"), 20))}`;
  }

  async #webReturns(): Promise<string> {
    await this.#startWeb("web2");
    return `back after ${took(await until("web2 returns to the table", EDGE_MS, () => this.#states("up", "up"), 20))}`;
  }

  /** True when the latest word about web1 and web2, after a first check, is this. */
  async #states(...wanted: readonly ["up" | "down", "up" | "down"]): Promise<boolean> {
    const servers = (await statusOf(this.#daemon))?.virtualServers[0]?.realServers ?? [];
    return (
      servers.length === 2 &&
      servers.every(({ state, lastOutcome }, i) => state === wanted[i] && lastOutcome !== undefined)
    );
  }

  async #startWeb(web: Web): Promise<void> {
    const argv = [compiled("examples/demo/web-server.ts"), web, String(ports[web])];
    const child = spawn(process.execPath, argv, { stdio: "ignore" });
    await once(child, "spawn");
    this.#webs.set(web, child);
  }

  async #stopWeb(web: Web): Promise<void> {
    const child = this.#webs.get(web);
    this.#webs.delete(web);
    if (child === undefined || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }
}
