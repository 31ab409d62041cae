import type { Rule } from "./conformance.js";
import { addressOf, Daemon, type Memory } from "./daemon.js";
import { type Backup, type Failover, FailoverWatch } from "./failover-watch.js";
import type { Fault } from "./faults.js";
import { forgery } from "./forgery.js";
import { HostClock } from "./host-clock.js";
import { Kernel } from "./kernel.js";
import { fate } from "./random.js";
import { masterDownOf, type Role, type Spec } from "./reference.js";
import {
  type Change,
  type Incident,
  longestInterval,
  nameOf,
  type RouterSpec,
  type Schedule,
  troubleEnds,
} from "./schedule.js";
import { type Candidate, WholeNetwork } from "./whole-network.js";
import { fair, Wire } from "./wire.js";
import { WorldClock } from "./world-clock.js";

export interface Violation {
  readonly rule: Rule;
  readonly at: number;
  readonly who: string;
  readonly what: string;
}

/** One line of what happened; `roles` are those of all routers afterwards. */
export interface Happening {
  readonly at: number;
  readonly who: string;
  readonly what: string;
  readonly roles: readonly string[];
}

export interface Outcome {
  /** The first; the story ends there. */
  readonly violation: Violation | undefined;
  readonly failovers: readonly Failover[];
  /** How often a process did something. */
  readonly turns: number;
  readonly happenings: readonly Happening[];
}

export interface PlayOptions {
  readonly fault?: Fault;
  /** Only these rules count; without: all. */
  readonly rules?: ReadonlySet<Rule>;
  /** Keep a record of everything. */
  readonly record?: boolean;
}

/** Turns of all processes in one story. The longest that were seen have a tenth of it. */
const MOST_TURNS = 50_000;

/** Ends the story at a turn's end, outside of what is tested. */
class Ended extends Error {}

interface Host {
  readonly clock: HostClock;
  readonly kernel: Kernel;
  readonly memory: Memory;
  specs: readonly Spec[];
  scriptWell: boolean;
  daemon: Daemon | undefined;
  /** How many carriers and addresses are missing: troubles may overlap. */
  readonly missing: { carrier: number; address: number; script: number; pause: number };
}

/** Plays a schedule: pure in effect, equal schedules have equal outcomes. */
export function play(schedule: Schedule, options: PlayOptions = {}): Outcome {
  return new Cluster(schedule, options).play();
}

/** All hosts, the wire between them, and what goes wrong when. */
class Cluster {
  readonly #schedule: Schedule;
  readonly #options: PlayOptions;
  readonly #world = new WorldClock();
  readonly #wire: Wire;
  readonly #hosts: readonly Host[];
  /** By instance. */
  readonly #networks: readonly WholeNetwork[];
  readonly #watches: readonly FailoverWatch[];
  readonly #happenings: Happening[] = [];
  readonly #roles: string[][];
  #troubles = 0;
  #weather = 0;
  #turns = 0;
  readonly #rebootAfter = new Map<number, number>();
  #violation: Violation | undefined;

  constructor(schedule: Schedule, options: PlayOptions) {
    const { seed, latency, version, routers } = schedule;
    this.#schedule = schedule;
    this.#options = options;
    this.#hosts = routers.map((router) => this.#hostOf(router));
    const carrier = (router: number): boolean => this.#hosts[router]?.kernel.carrier === true;
    this.#wire = new Wire({ world: this.#world, seed, latency, carrier });
    const drift = Math.max(...routers.map((r) => Math.abs(r.drift)));
    const bounds = { version, interval: longestInterval(schedule), latency, drift };
    const instances = Array.from({ length: schedule.instances }, (_, i) => i);
    this.#networks = instances.map(
      () => new WholeNetwork(bounds, (rule, what) => this.#violate(rule, "network", what)),
    );
    this.#watches = instances.map(
      () => new FailoverWatch(schedule, (rule, what) => this.#violate(rule, "network", what)),
    );
    this.#roles = routers.map(() => instances.map(() => "-"));
  }

  play(): Outcome {
    try {
      this.#tell();
      this.#world.runUntil(this.#end());
      this.#judgeEnd();
      this.#stopAll();
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
    }
    return {
      turns: this.#turns,
      violation: this.#violation,
      failovers: this.#watches.flatMap((w) => w.failovers),
      happenings: this.#happenings,
    };
  }

  /** Puts everything that will happen into the world's time. */
  #tell(): void {
    for (const [router, spec] of this.#schedule.routers.entries()) this.#at(spec.startAt, () => this.#boot(router));
    for (const incident of this.#schedule.incidents) this.#at(incident.at, () => this.#befall(incident));
  }

  /** Time enough for an election; and where there is a preempt_delay, for it and the preemption after it. */
  #end(): number {
    const { version, routers, latency } = this.#schedule;
    const interval = longestInterval(this.#schedule);
    const delay = Math.max(...routers.map((r) => r.preemptDelay));
    const down = masterDownOf(version, 0, interval);
    const preemption = delay > 0 ? delay + down + interval : 0;
    return troubleEnds(this.#schedule) + (down + 2 * interval + preemption) * 1.001 + 4 * latency + 20;
  }

  #judgeEnd(): void {
    for (const [i, network] of this.#networks.entries()) network.judgeEnd(this.#world.now, this.#candidates(i));
    this.#endIfViolated();
  }

  #stopAll(): void {
    for (const [router, { daemon }] of this.#hosts.entries()) {
      daemon?.stop(true);
      this.#checkLeftovers(router);
    }
    this.#world.runUntil(this.#world.now + 10);
    for (const router of this.#hosts.keys()) this.#checkLeftovers(router);
    this.#endIfViolated();
  }

  #checkLeftovers(router: number): void {
    const host = this.#hosts[router];
    if (host?.daemon === undefined) return;
    const addresses = host.kernel.virtual.size > 0 ? `addresses ${[...host.kernel.virtual].join(", ")}` : undefined;
    const left = host.daemon.leftovers ?? addresses;
    if (left !== undefined) this.#violate("something is left after the end", nameOf(router), left);
  }

  #hostOf({ host, drift, ...plain }: RouterSpec): Host {
    const { version, instances } = this.#schedule;
    return {
      // Hosts were booted at different times, and none of them at a round one.
      clock: new HostClock(this.#world, 1e6 * fate(this.#schedule.seed, host, 0, 9) + 1e5, drift),
      kernel: new Kernel(`192.0.2.${host}`),
      memory: { states: new Map(), copy: undefined },
      specs: Array.from({ length: instances }, (_, i) => ({
        ...plain,
        host,
        version,
        priority: plain.priorities[i] ?? 100,
        scriptWeight: plain.scriptOf === "all" || plain.scriptOf === i ? plain.scriptWeight : undefined,
        addresses: [addressOf(i, false)],
      })),
      scriptWell: true,
      daemon: undefined,
      missing: { carrier: 0, address: 0, script: 0, pause: 0 },
    };
  }

  #boot(router: number): void {
    const host = this.#hosts[router];
    if (host === undefined || host.daemon !== undefined) return;
    this.#note(nameOf(router), "starts");
    for (const watch of this.#watches) watch.spoil();
    const daemon = new Daemon(host.specs, {
      world: this.#world,
      wire: this.#wire,
      clock: host.clock,
      kernel: host.kernel,
      memory: host.memory,
      router,
      host: this.#schedule.routers[router]?.host ?? 0,
      grouped: this.#schedule.grouped,
      fault: this.#options.fault,
      scriptWell: () => host.scriptWell,
      peers: this.#schedule.unicast ? this.#addressesBut(router) : [],
      events: {
        died: () => this.#died(router),
        report: (instance, rule, what) => this.#violate(rule, this.#label(router, instance), what),
        role: (instance, role) => this.#changed(router, instance, role),
        advertised: (instance) => this.#watches[instance]?.advertised(this.#world.now),
        action: (instance, text) => this.#note(this.#label(router, instance), text),
        turned: () => this.#turned(),
        stirred: () => this.#disturb(),
      },
    });
    host.daemon = daemon;
    if (host.missing.pause > 0) daemon.loop.pause();
    this.#disturb();
    daemon.start();
  }

  #addressesBut(router: number): readonly string[] {
    return this.#schedule.routers.filter((_, i) => i !== router).map(({ host }) => `192.0.2.${host}`);
  }

  #kill(router: number): void {
    const host = this.#hosts[router];
    if (host?.daemon === undefined) return;
    host.daemon.kill();
    host.daemon = undefined;
    for (const i of this.#networks.keys()) this.#changed(router, i, undefined);
  }

  #befall(incident: Incident): void {
    this.#note("router" in incident ? nameOf(incident.router) : "network", wordsOf(incident));
    if ("router" in incident && this.#hosts[incident.router] === undefined) return;
    this.#watchFailovers(incident);
    this.#disturb();
    const undo = this.#begin(incident);
    if (undo === undefined) return;
    this.#troubles++;
    this.#disturb();
    this.#at(incident.at + incident.for, () => {
      this.#troubles--;
      this.#note("router" in incident ? nameOf(incident.router) : "network", `${incident.do} is over`);
      undo();
      this.#disturb();
    });
  }

  /** @returns what ends it, undefined when it is over already or leaves the network whole */
  #begin(incident: Incident): (() => void) | undefined {
    switch (incident.do) {
      case "crash":
        return this.#crash(incident);
      case "forge":
        return this.#forge(incident);
      case "stop":
        this.#stop(incident.router, incident.release);
        this.#at(incident.at + incident.for, () => this.#boot(incident.router));
        return undefined;
      case "reload":
        this.#reload(incident.router, incident.change);
        return undefined;
      case "steal":
        if (this.#hosts[incident.router]?.kernel.steal(addressOf(incident.instance, false)) === true) this.#disturb();
        return undefined;
      case "pause":
        return this.#pause(incident);
      case "script":
        return this.#lack(incident.router, "script", (host, well) => (host.scriptWell = well));
      case "carrier":
        return this.#lack(incident.router, "carrier", (host, up) => host.kernel.setCarrier(up));
      case "address":
        return this.#lack(incident.router, "address", (host, there) => host.kernel.setOwn(there));
      case "cut":
        return this.#cut([[incident.from, incident.to]]);
      case "split":
        return this.#cut(pathsAcross(incident.routers, this.#hosts.length));
      case "weather":
        return this.#blow(incident);
    }
  }

  #crash({ at, for: lasts, router, midway }: Extract<Incident, { do: "crash" }>): (() => void) | undefined {
    const daemon = this.#hosts[router]?.daemon;
    if (midway > 0) {
      daemon?.doom(midway);
      this.#at(at + lasts, () => daemon?.doom(0));
      this.#rebootAfter.set(router, lasts);
      return undefined;
    }
    this.#kill(router);
    this.#at(at + lasts, () => this.#boot(router));
    return undefined;
  }

  /** It died in the middle of a turn. */
  #died(router: number): void {
    this.#note(nameOf(router), "is killed midway");
    this.#kill(router);
    for (const watch of this.#watches) watch.spoil();
    this.#disturb();
    this.#at(this.#world.now + (this.#rebootAfter.get(router) ?? 0), () => this.#boot(router));
  }

  #forge(incident: Extract<Incident, { do: "forge" }>): () => void {
    const { at, for: lasts, interval } = incident;
    for (let next = at; next < at + lasts; next += interval) {
      this.#at(next, () => this.#wire.inject(forgery(incident, this.#schedule.version)));
    }
    return () => undefined;
  }

  #stop(router: number, release: boolean): void {
    const host = this.#hosts[router];
    const { daemon } = host ?? {};
    // Who stops a process that does not answer kills it after a while.
    if (daemon?.loop.paused === false) daemon.stop(release);
    if (release && host?.daemon?.stopped === true) this.#checkLeftovers(router);
    this.#kill(router);
  }

  #reload(router: number, change: Change): void {
    const host = this.#hosts[router];
    if (host === undefined) return;
    // An address that leaves the file while no daemon runs is found by the copy, and otherwise stays on the host.
    const onRecord = new Set((host.memory.copy ?? []).flatMap(({ addresses }) => addresses));
    const forgotten = [...host.kernel.virtual].some((address) => !onRecord.has(address));
    if (host.daemon === undefined && forgotten && change.what === "extra-address") return;
    const before = host.specs;
    host.specs = before.map((spec, i) => changed(spec, change, i, this.#schedule.version));
    const { specs } = host;
    if (host.daemon?.loop.paused === true)
      host.specs = before; // signals wait, and this story does not
    else host.daemon?.reload(specs);
  }

  #pause({ router, clock, first }: Extract<Incident, { do: "pause" }>): () => void {
    const host = this.#hosts[router];
    if (host === undefined) return () => undefined;
    host.missing.pause++;
    host.daemon?.loop.pause();
    if (clock === "stands") host.clock.stand();
    return () => {
      if (--host.missing.pause > 0) return;
      host.clock.goOn();
      host.daemon?.loop.goOn(first);
    };
  }

  /** Something that is there or not, and is missing as long as any trouble says so. */
  #lack(router: number, what: "carrier" | "address" | "script", set: (host: Host, there: boolean) => void): () => void {
    const host = this.#hosts[router];
    if (host === undefined) return () => undefined;
    if (++host.missing[what] === 1) set(host, false);
    return () => {
      if (--host.missing[what] === 0) set(host, true);
    };
  }

  #cut(paths: readonly (readonly [number, number])[]): () => void {
    for (const [from, to] of paths) this.#wire.cut(from, to, 1);
    return () => {
      for (const [from, to] of paths) this.#wire.cut(from, to, -1);
    };
  }

  #blow({ loss, duplicate, delay }: Extract<Incident, { do: "weather" }>): () => void {
    const turn = ++this.#weather;
    this.#wire.weather = { loss, duplicate, delay };
    return () => {
      if (turn !== this.#weather) return;
      this.#wire.weather = fair;
      this.#troubles++; // what is under way is still late
      this.#at(this.#world.now + delay, () => {
        this.#troubles--;
        this.#disturb();
      });
    };
  }

  /** The bounds of the whole network begin anew. */
  #disturb(): void {
    const { now } = this.#world;
    const calm = this.#troubles > 0 ? undefined : now + this.#schedule.latency;
    for (const [i, network] of this.#networks.entries()) {
      network.disturb(now, calm);
      network.setEligible(
        this.#candidates(i).some((c) => c.able),
        now,
      );
    }
    if (this.#troubles > 0) for (const watch of this.#watches) watch.spoil();
  }

  #changed(router: number, instance: number, role: Role | undefined): void {
    const { now } = this.#world;
    const network = this.#networks[instance];
    const roles = this.#roles[router];
    if (roles !== undefined) roles[instance] = role?.charAt(0) ?? "-";
    network?.setMaster(router, role === "MASTER", now);
    network?.setEligible(
      this.#candidates(instance).some((c) => c.able),
      now,
    );
    if (role === "MASTER") this.#watches[instance]?.tookOver(now);
  }

  #watchFailovers(incident: Incident): void {
    for (const [i, watch] of this.#watches.entries()) {
      watch.spoil();
      if (this.#schedule.grouped || (incident.do !== "crash" && incident.do !== "stop")) continue;
      const after = incident.do === "stop" && incident.release ? "stop" : "crash";
      const settled = this.#networks[i]?.settledSince;
      const calm = settled !== undefined && this.#world.now - settled > 2 * longestInterval(this.#schedule);
      const master = this.#candidates(i).find((c) => c.router === incident.router);
      if (!calm || master?.role !== "MASTER") continue;
      watch.expect(after, this.#world.now, master.priority, this.#backups(i));
    }
  }

  #backups(instance: number): readonly Backup[] {
    return this.#candidates(instance).filter((c) => c.role === "BACKUP");
  }

  #candidates(instance: number): readonly Candidate[] {
    return this.#hosts.flatMap(({ daemon }, router): Candidate[] => {
      const conformance = daemon?.conformances[instance];
      if (conformance === undefined) return [];
      const { priority, spec, unsure } = conformance.reference;
      const { isAble: able } = conformance.reference;
      // A stronger member may be kept back by a weaker one of its sync group.
      const preempts = spec.preempt && !this.#schedule.grouped;
      return [{ router, role: conformance.is, able, priority, preempts, unsure }];
    });
  }

  #turned(): void {
    if (++this.#turns > MOST_TURNS) this.#violate("never comes to rest", "network", `${MOST_TURNS} turns`);
    this.#endIfViolated();
  }

  #endIfViolated(): void {
    if (this.#violation !== undefined) throw new Ended();
  }

  #violate(rule: Rule, who: string, what: string): void {
    if (this.#violation !== undefined || this.#options.rules?.has(rule) === false) return;
    this.#violation = { rule, at: this.#world.now, who, what };
    this.#note(who, `BROKEN: ${rule}: ${what}`);
  }

  #label(router: number, instance: number): string {
    return this.#schedule.instances === 1 ? nameOf(router) : `${nameOf(router)} V${instance}`;
  }

  #note(who: string, what: string): void {
    if (this.#options.record !== true) return;
    const roles = this.#roles.map((all) => all.join(""));
    this.#happenings.push({ at: this.#world.now, who, what, roles });
  }

  #at(at: number, run: () => void): void {
    this.#world.at(at, () => {
      run();
      this.#endIfViolated();
    });
  }
}

function changed(spec: Spec, change: Change, instance: number, version: 2 | 3): Spec {
  switch (change.what) {
    case "nothing":
      return spec;
    case "priority":
      return spec.priority === 255 ? spec : withPriority(spec, spec.priority + change.by);
    case "interval":
      return version === 2 || spec.interval === change.to ? spec : { ...spec, interval: change.to };
    case "preempt":
      return spec.priority === 255 || spec.preemptDelay > 0 ? spec : { ...spec, preempt: !spec.preempt };
    case "extra-address": {
      const plain = addressOf(instance, false);
      return { ...spec, addresses: spec.addresses.length > 1 ? [plain] : [plain, addressOf(instance, true)] };
    }
  }
}

function withPriority(spec: Spec, wanted: number): Spec {
  const priority = Math.min(254, Math.max(1, wanted));
  return priority === spec.priority ? spec : { ...spec, priority };
}

function pathsAcross(side: readonly number[], routers: number): readonly (readonly [number, number])[] {
  const others = Array.from({ length: routers }, (_, i) => i).filter((i) => !side.includes(i));
  return side.flatMap((a) => others.flatMap((b) => [[a, b] as const, [b, a] as const]));
}

function wordsOf({ at: _at, for: lasts, ...trouble }: Incident): string {
  const details = Object.entries(trouble).filter(([key]) => key !== "do" && key !== "router");
  const words = details.map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return [trouble.do, ...words, `for ${lasts.toFixed(3)} ms`].join(" ");
}
