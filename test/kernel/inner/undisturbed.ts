import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, type DirectorName, director1Address, vip, webAddress } from "../../harness/cluster.js";
import type { Daemon, Program } from "../../harness/daemon.js";
import type { Advert } from "../../harness/frames.js";
import { hasDestination, loadIpvs } from "../../harness/ipvs.js";
import { compiled } from "../../harness/project.js";
import { until } from "../../harness/until.js";
import { TableWitness } from "./table-witness.js";

/** Three master down intervals at advert_int 1: a transition shows within one. */
const AFTERWARDS_MS = 3 * 3610;
/** A change that lasts a moment is seen by one of so many. */
const LOOKS = 200;
/** Two daemons start in a guest with one slow processor. */
const START_MS = 120_000;
/** Of director1 in examples/lvs-dr. */
const MASTER_PRIORITY = 100;

/** What was seen meanwhile. A look is one at table and addresses. */
export interface Observed {
  readonly looks: number;
  readonly addressMissing: number;
  /** Of the virtual IP, as the kernel tells it. */
  readonly addressDeleted: number;
  readonly deadServing: number;
  readonly adverts: number;
  /** Of another priority than the master's: another director, or a farewell. */
  readonly foreignAdverts: number;
  readonly longestGapMs: number;
  readonly lostConnections: number;
}

type Capture = Awaited<ReturnType<Cluster["lan"]["capture"]>>;

/** The directors before the change, and all frames since then. */
export interface Scene {
  readonly directors: Record<DirectorName, Daemon>;
  readonly capture: Capture;
}

/** Two servers, and `program` on both directors. */
export async function startScene(cluster: Cluster, program: Program): Promise<Scene> {
  await loadIpvs(cluster.host("director1"));
  await Promise.all([cluster.startWeb("web1"), cluster.startWeb("web2")]);
  const director2 = await cluster.startDirector("director2", program);
  const director1 = await cluster.startDirector("director1", program);
  return { directors: { director1, director2 }, capture: await cluster.lan.capture() };
}

/** A cluster whose first director is master of a service with one dead server and one connected client, while something is changed. */
export class Undisturbed {
  readonly #cluster: Cluster;
  readonly #capture: Capture;
  readonly #connectionLog: string;
  #withoutAddress: readonly string[] = [];

  private constructor(cluster: Cluster, capture: Capture) {
    this.#cluster = cluster;
    this.#capture = capture;
    this.#connectionLog = path.join(cluster.lan.dir, "long-client.log");
  }

  /** Brings it there, when the directors have been started. */
  static async prepare(cluster: Cluster, capture: Capture): Promise<Undisturbed> {
    const self = new Undisturbed(cluster, capture);
    const one = cluster.host("director1");
    await until("director1 is master", START_MS, async () => (await cluster.master()) === "director1", 50);
    const both = async (): Promise<boolean> =>
      (await hasDestination(one, webAddress.web1)) && (await hasDestination(one, webAddress.web2));
    await until("both are in service", START_MS, both, 50);
    await cluster.stopWeb("web2");
    await until("web2 leaves the table", 30_000, async () => !(await hasDestination(one, webAddress.web2)), 50);
    const out = openSync(self.#connectionLog, "w");
    const argv = [process.execPath, compiled("test/kernel/inner/long-client.ts"), vip, "80"];
    await cluster.host("client").spawn(argv, { stdio: ["ignore", out, out] });
    closeSync(out);
    await until("the client is answered", 60_000, () => self.#lines("ok ").length > 2, 50);
    return self;
  }

  /**
   * A change on director1 that nobody must notice. @returns figures
   * @param putsBack what the change deletes is put back: the address may be away for so many looks
   */
  async during(change: () => Promise<void>, logs: () => Promise<string>, { putsBack = 0 } = {}): Promise<string> {
    let story = "";
    const seen = await this.observe(change).finally(async () => {
      story = await logs();
    });
    assert.ok(
      seen.addressMissing <= putsBack,
      `the virtual IP was away ${seen.addressMissing} times: ${this.#withoutAddress.join("\n")}\n${story}`,
    );
    if (putsBack === 0) assert.equal(seen.addressDeleted, 0, `the virtual IP was deleted\n${story}`);
    assert.equal(seen.deadServing, 0, `the dead server was in ${seen.deadServing} looks\n${story}`);
    assert.ok(seen.looks > LOOKS, `only ${seen.looks} looks`);
    assert.equal(seen.foreignAdverts, 0, `somebody else advertised, or said farewell\n${story}`);
    assert.ok(seen.adverts > 6, `only ${seen.adverts} adverts\n${story}`);
    assert.equal(await this.#cluster.master(), "director1", story);
    assert.equal(seen.lostConnections, 0, story);
    const count = this.#lines("ok ").length;
    await until("the connection still answers", 20_000, () => this.#lines("ok ").length > count, 50);
    return `longest gap between adverts: ${seen.longestGapMs.toFixed(0)} ms; ${seen.looks} looks at table and address${putsBack === 0 ? "" : `, away for ${seen.addressMissing}`}`;
  }

  /** A change on director1, and three master down intervals. */
  async observe(change: () => Promise<void>): Promise<Observed> {
    const from = (await this.#capture.frames()).length;
    const one = this.#cluster.host("director1");
    const changes = path.join(this.#cluster.lan.dir, "address-changes.log");
    const out = openSync(changes, "w");
    const monitor = await one.spawn(["ip", "-o", "monitor", "address"], { stdio: ["ignore", out, out] });
    closeSync(out);
    const witness = await TableWitness.start(one, { own: director1Address, vip, dead: webAddress.web2 });
    try {
      await change();
      await sleep(AFTERWARDS_MS);
      await until("there are enough looks", 3 * AFTERWARDS_MS, () => witness.seen.looks > LOOKS, 50).catch(
        () => undefined,
      );
    } finally {
      await witness.stop();
      monitor.kill("SIGKILL");
      this.#withoutAddress = witness.withoutAddress;
    }
    const frames = (await this.#capture.frames()).slice(from);
    const adverts = frames.filter((frame): frame is Advert => frame.kind === "advert");
    const gaps = adverts.slice(1).map((advert, i) => advert.at - (adverts[i]?.at ?? advert.at));
    return {
      ...witness.seen,
      addressDeleted: readFileSync(changes, "utf8")
        .split("\n")
        .filter((line) => line.startsWith("Deleted") && line.includes(`${vip}/`)).length,
      adverts: adverts.length,
      foreignAdverts: adverts.filter(({ priority }) => priority !== MASTER_PRIORITY).length,
      longestGapMs: Math.max(0, ...gaps),
      // The client writes its local port: another one is another connection.
      lostConnections: this.#lines("lost").length + new Set(this.#lines("ok ")).size - 1,
    };
  }

  /** What the connected client wrote, by the first word of the line. */
  #lines(word: "ok " | "lost"): readonly string[] {
    return readFileSync(this.#connectionLog, "utf8")
      .split("\n")
      .filter((line) => line.startsWith(word));
  }
}
