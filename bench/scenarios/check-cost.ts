import { setTimeout as sleep } from "node:timers/promises";
import { Collector } from "../measure/collector.js";
import type { Farm } from "../measure/farm.js";
import { Stand } from "../measure/stand.js";
import { costOf, untilChecked } from "../measure/steady.js";
import { type PortCounts, TargetServer } from "../measure/target-server.js";
import { bareCost } from "../peers/bare.js";
import { engineCost } from "../peers/engine.js";
import { haproxy } from "../peers/haproxy.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { Checker } from "../peers/peer.js";
import { ratio } from "../report/verdict.js";
import type { Bound, Outcome, RunOptions, Scenario } from "./scenario.js";

const ports = { tcp: 8080, http: 8081, https: 8082 } as const;
const WHOLE = "processor per check, all of it";
const CHECKING = "processor per check, checking threads";
const START_MS = 30_000;

export interface Case {
  readonly name: string;
  readonly check: Farm["check"];
  /** Checks a second; a server each. */
  readonly rate: number;
  readonly resumed?: true;
}

const cases: readonly Case[] = [
  { name: "TCP", check: "tcp", rate: 4000 },
  { name: "HTTP", check: "http", rate: 4000 },
  { name: "TLS, full handshake", check: "https", rate: 400 },
  { name: "TLS, resumed", check: "https", rate: 400, resumed: true },
];

/** What the target has done in full. */
const done = (check: Farm["check"], counts: PortCounts): number =>
  check === "tcp" ? counts.accepted : counts.requests;

class Rounds {
  readonly collected = new Collector();
  readonly #stand: Stand;
  readonly #target: TargetServer;
  readonly #seconds: number;

  constructor(stand: Stand, target: TargetServer, seconds: number) {
    this.#stand = stand;
    this.#target = target;
    this.#seconds = seconds;
  }

  async checker(of: Case, checker: Checker): Promise<void> {
    const { check, rate, resumed } = of;
    const ours = resumed === true ? ["session_resumption"] : [];
    const farm: Farm = { servers: rate, check, port: ports[check], delayLoopSeconds: 1, timeoutSeconds: 3, ours };
    const counts = (): Promise<PortCounts> => this.#target.counts(ports[check]);
    const completed = async (): Promise<number> => done(check, await counts());
    const before = await completed();
    const options = { host: this.#stand.host("ours"), dir: this.#stand.lan.dir, farms: [farm] };
    await using running = await checker.start(options);
    // More than one round of all: Node has compiled what is hot, and caches of addresses and sessions are full.
    const warm = async (): Promise<boolean> => (await completed()) - before > 1.5 * rate;
    await untilChecked(checker.name, running, START_MS, warm);
    await running.settled();
    await sleep(500);
    const start = await counts();
    const cost = await costOf(running, completed, this.#seconds);
    const end = await counts();
    this.collected.add(of.name, checker.name, WHOLE, "µs", cost.whole);
    if (checker === holdfast) this.collected.add(of.name, checker.name, CHECKING, "µs", cost.checking);
    this.#judge(of, checker.name, cost.perSecond, running.table()?.deleteDestination.count ?? 0);
    const resumptions = end.resumed - start.resumed;
    if (resumed === true && resumptions < 0.9 * cost.completed)
      this.collected.faults.push(
        `${of.name}, ${checker.name}: ${resumptions} of ${cost.completed} handshakes were resumed`,
      );
    if (resumed !== true && resumptions > 0)
      this.collected.faults.push(`${of.name}, ${checker.name}: ${resumptions} handshakes were not full ones`);
  }

  async loop(
    of: Case,
    name: string,
    measure: Promise<{ readonly us: number; readonly failed: number } | undefined>,
  ): Promise<void> {
    const cost = await measure;
    if (cost === undefined) return;
    this.collected.add(of.name, name, WHOLE, "µs", cost.us);
    if (cost.failed > 0) this.collected.faults.push(`${of.name}, ${name}: ${cost.failed} failed`);
  }

  async round(of: Case, checkers: readonly Checker[]): Promise<void> {
    const { check, rate, resumed = false } = of;
    const load = { host: this.#stand.host("ours"), check, port: ports[check], rate, seconds: this.#seconds, resumed };
    for (const checker of checkers)
      await this.collected.attempt(`${of.name}, ${checker.name}`, () => this.checker(of, checker));
    await this.loop(of, "engine alone", engineCost(load));
    if (!resumed) await this.loop(of, "bare epoll loop", bareCost("epoll", load));
    if (check === "tcp") await this.loop(of, "bare io_uring loop", bareCost("io_uring", load));
  }

  #judge(of: Case, subject: string, perSecond: number, removed: number): void {
    const { faults } = this.collected;
    this.collected.add(of.name, subject, "checks", "/s", perSecond);
    if (removed > 0) faults.push(`${of.name}, ${subject}: took ${removed} healthy servers out`);
    // A busy machine makes all slower, and the cost of a check says nothing of how many there were; but half is no load any more.
    if (subject === "holdfast" && perSecond < 0.5 * of.rate)
      faults.push(`${of.name}, ${subject}: ${perSecond.toFixed(0)} checks/s of ${of.rate}`);
  }
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  await using stand = await Stand.create("ours");
  const modes = (["tcp", "http", "https"] as const).map((mode) => ({ mode, port: ports[mode] }));
  const rounds = new Rounds(stand, await TargetServer.start(stand.host("ours"), modes), quick ? 1.5 : 2);
  const chosen = quick ? cases.slice(1, 2) : cases;
  for (let round = 0; round < (quick ? 1 : 3); round++)
    for (const of of chosen) {
      say(`round ${round + 1}: ${of.name}`);
      const others = [keepalived, haproxy].filter(({ name }) => peers.has(name as "keepalived" | "haproxy"));
      const able = others.filter((checker) => of.resumed !== true && (checker !== haproxy || of.check !== "tcp"));
      await rounds.round(of, [...able, holdfast]);
    }
  const { collected } = rounds;
  return {
    conditions: {
      "checks a second": chosen.map(({ name, rate }) => `${name} ${rate}`).join(", "),
      delay_loop: "1 s",
      "HAProxy and TCP":
        "not measured: it resets before the server has accepted, so the target cannot count its checks",
      target: "one thread of target_server, on the same processors",
    },
    figures: collected.figures(),
    bounds: quick ? [] : boundsOf(collected),
    distributions: [],
    faults: collected.faults,
  };
}

/** Against daemons the whole of ours counts, launcher and spare as well; against a bare loop what does the same as it: the checker threads. */
function boundsOf(collected: Collector): readonly Bound[] {
  const whole = (of: string, subject: string): number | undefined => collected.median(of, subject, WHOLE);
  const checking = collected.median("TCP", "holdfast", CHECKING);
  const full = "TLS, full handshake";
  const toPeer = (of: string, peer: string, most: number, reference = of): Bound => {
    const value = ratio(whole(of, "holdfast"), whole(reference, peer));
    return { what: `${of}: holdfast to ${peer}`, unit: "times", value, most };
  };
  const bare = ratio(checking, whole("TCP", "bare epoll loop"));
  return [
    { what: "TCP: checker threads to bare epoll loop", unit: "times", value: bare, most: 1.15 },
    toPeer("TCP", "keepalived", 0.8),
    toPeer("HTTP", "keepalived", 0.75),
    toPeer("HTTP", "haproxy", 1),
    toPeer(full, "keepalived", 0.75),
    toPeer("TLS, resumed", "keepalived", 0.4, full),
  ];
}

export const checkCost: Scenario = {
  name: "check-cost",
  question: "How much processor time does one check take: TCP, HTTP, and HTTPS with full and resumed handshakes?",
  peers: ["keepalived", "haproxy"],
  run,
};
