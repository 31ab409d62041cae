import {
  Cluster,
  type DirectorName,
  directorDevice,
  directorNames,
  vip,
  type WebName,
  webAddress,
} from "../../test/harness/cluster.js";
import { type Daemon, holdfast } from "../../test/harness/daemon.js";
import { hasDestination } from "../../test/harness/ipvs.js";
import { until } from "../../test/harness/until.js";
import { type Snapshot, statusOf, tableFromStatus } from "./snapshot.js";
import { type Stage, took } from "./stage.js";
import type { Step } from "./story.js";

/** Start of two daemons and an election, in a kernel that may be slow. */
const START_MS = 60_000;
/** A check interval, a time-out, a retry after a second and its time-out; doubled. */
const EDGE_MS = 10_000;
/** 3 x advert_int + skew, doubled. */
const FAILOVER_MS = 8000;
const REQUESTS = 6;

/** Two directors, two web servers and a client, each in a network namespace: examples/lvs-dr as it is. */
export class ClusterStage implements Stage {
  readonly steps: readonly Step[];
  readonly #cluster: Cluster;
  readonly #ipvs: "kernel" | "memory";
  readonly #daemons = new Map<DirectorName, Daemon>();

  private constructor(cluster: Cluster, ipvs: "kernel" | "memory") {
    this.#cluster = cluster;
    this.#ipvs = ipvs;
    const forwarding = ipvs === "kernel";
    this.steps = [
      { title: "two directors and two web servers start", run: () => this.#start() },
      ...(forwarding ? [{ title: "requests through the virtual IP alternate", run: () => this.#alternate() }] : []),
      { title: "web2 stops", run: () => this.#webStops() },
      { title: "web2 comes back", run: () => this.#webReturns() },
      { title: "the master loses power", run: () => this.#masterDies() },
    ];
  }

  static async create(ipvs: "kernel" | "memory"): Promise<ClusterStage> {
    return new ClusterStage(await Cluster.create(), ipvs);
  }

  async snapshot(): Promise<Snapshot> {
    const statuses = await Promise.all(directorNames.map((name) => statusOf(this.#daemons.get(name))));
    const master = await this.#cluster.master();
    const directors = await Promise.all(
      directorNames.map(async (name, i) => ({
        name,
        running: this.#daemons.get(name)?.running ?? false,
        holds: (await this.#cluster.host(name).hasAddress(vip, directorDevice)) ? vip : undefined,
        instances: statuses[i]?.instances ?? [],
      })),
    );
    const shown = directors.findIndex(({ name, running }) => running && (name === master || master === undefined));
    const status = statuses[Math.max(shown, 0)];
    const table =
      this.#ipvs === "memory" ? tableFromStatus(status) : await this.#table(directorNames[shown] ?? "director1");
    return { directors, servers: status?.virtualServers ?? [], table };
  }

  async logs(): Promise<string> {
    const logs = [...this.#daemons].map(async ([name, daemon]) => `--- ${name}\n${await daemon.log()}`);
    return (await Promise.all(logs)).join("\n");
  }

  async restore(): Promise<void> {
    await this.#cluster.host("director1").exec(["ip", "link", "set", "dev", directorDevice, "up"]);
    await this.#startDirector("director1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const daemon of this.#daemons.values()) await daemon.stop();
    } finally {
      await this.#cluster[Symbol.asyncDispose]();
    }
  }

  async #table(name: DirectorName): Promise<Snapshot["table"]> {
    const text = await this.#cluster.host(name).exec(["ipvsadm", "-Ln"]);
    return { title: `ipvsadm -Ln on ${name}`, lines: text.trimEnd().split("\n") };
  }

  async #startDirector(name: DirectorName): Promise<void> {
    this.#daemons.set(name, await this.#cluster.startDirector(name, holdfast(this.#ipvs)));
  }

  async #start(): Promise<string> {
    await Promise.all([this.#cluster.startWeb("web1"), this.#cluster.startWeb("web2")]);
    for (const name of directorNames) await this.#startDirector(name);
    const election = await until(
      "director1 is master",
      START_MS,
      async () => (await this.#cluster.master()) === "director1",
      50,
    );
    await until("both web servers are in service", EDGE_MS, () => this.#serving("director1", "web1", "web2"), 50);
    return `director1 is master after ${took(election)}, both web servers in service`;
  }

  async #alternate(): Promise<string> {
    const seen = await this.#requests();
    const turns = seen.every((name, i) => name !== undefined && (i === 0 || name !== seen[i - 1]));
    if (!turns) throw new Error(`they do not: ${seen.join(" ")}`);
    return seen.join(" ");
  }

  async #webStops(): Promise<string> {
    await this.#cluster.stopWeb("web2");
    const gone = async (): Promise<boolean> => !(await this.#serving("director1", "web2"));
    const out = await until("web2 leaves the table", EDGE_MS, gone, 20);
    if (this.#ipvs === "memory") return `out of the table after ${took(out)}`;
    const seen = await this.#requests();
    if (seen.some((name) => name !== "web1")) throw new Error(`requests got lost: ${seen.join(" ")}`);
    return `out of the table after ${took(out)}, web1 answers all of ${REQUESTS} requests`;
  }

  async #webReturns(): Promise<string> {
    await this.#cluster.startWeb("web2");
    const back = await until("web2 returns to the table", EDGE_MS, () => this.#serving("director1", "web2"), 20);
    if (this.#ipvs === "memory") return `back after ${took(back)}`;
    return `back after ${took(back)}: ${await this.#alternate()}`;
  }

  /** A crash leaves the virtual IP and the table in the kernel; a power cut takes the kernel too. */
  async #masterDies(): Promise<string> {
    const victim = this.#cluster.host("director1");
    const heir = this.#cluster.host("director2");
    await this.#daemons.get("director1")?.crash();
    await victim.exec(["ip", "link", "set", "dev", directorDevice, "down"]);
    await victim.attempt(["ip", "addr", "del", `${vip}/32`, "dev", directorDevice]);
    if (this.#ipvs === "kernel") await victim.attempt(["ipvsadm", "-C"]);
    const over = await until("director2 is master", FAILOVER_MS, () => heir.hasAddress(vip, directorDevice), 10);
    if (this.#ipvs === "memory") return `director2 is master after ${took(over)}`;
    const answered = await until(
      "requests are answered",
      5000,
      async () => (await this.#cluster.request()) !== undefined,
    );
    return `director2 is master after ${took(over)}, answers after ${took(over + answered)}: ${await this.#alternate()}`;
  }

  async #requests(): Promise<readonly (string | undefined)[]> {
    const seen: (string | undefined)[] = [];
    for (let i = 0; i < REQUESTS; i++) seen.push(await this.#cluster.request());
    return seen;
  }

  /** True when the director has all these servers in its table, as the kernel shows it; the daemon's word in memory mode. */
  async #serving(director: DirectorName, ...webs: readonly WebName[]): Promise<boolean> {
    if (this.#ipvs === "kernel") {
      const found = await Promise.all(webs.map((web) => hasDestination(this.#cluster.host(director), webAddress[web])));
      return found.every(Boolean);
    }
    const up = tableFromStatus(await statusOf(this.#daemons.get(director))).lines;
    return webs.every((web) => up.some((line) => line.includes(webAddress[web])));
  }
}
