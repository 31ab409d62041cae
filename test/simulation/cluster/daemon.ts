import type { IpAddress } from "../../../main/address.js";
import type { Config, VrrpInstanceConfig } from "../../../main/config/model.js";
import { ms, priority, vrid } from "../../../main/units.js";
import type { Resumption, VrrpTransition } from "../../../main/vrrp/instance-types.js";
import type { NetworkChange } from "../../../main/vrrp/ports.js";
import { VrrpRouter } from "../../../main/vrrp/router.js";
import { emptyConfig, instanceConfig, syncGroup, virtualAddress } from "../../harness/config-fixtures.js";
import { Conformance, type Report } from "./conformance.js";
import { type Cause, EventLoop } from "./event-loop.js";
import type { Fault } from "./faults.js";
import type { HostClock } from "./host-clock.js";
import type { Kernel, KernelView } from "./kernel.js";
import { Reference, type Role, type Senses, type Spec } from "./reference.js";
import type { Wire } from "./wire.js";
import type { WorldClock } from "./world-clock.js";

export const FIRST_VRID = 51;
/** Last octet of the source of packets that are to be ignored. */
export const WRONG_OCTET = 251;
/** How long after a change the kernel's word of it is read, and how long a script runs. */
const NETLINK_MS = 0.05;
const SCRIPT_MS = 1;

/** What outlives the process. */
export interface Memory {
  /** In the launcher. */
  readonly states: Map<string, Resumption>;
  /** The copy of the configuration in force; undefined after an orderly end. */
  copy: readonly Spec[] | undefined;
}

/** What the daemon does, for whoever keeps the books of the whole network. */
export interface DaemonEvents {
  /** It was killed in the middle of something. */
  readonly died: () => void;
  readonly report: (instance: number, ...what: Parameters<Report>) => void;
  readonly role: (instance: number, role: Role) => void;
  /** Not a farewell. */
  readonly advertised: (instance: number) => void;
  readonly action: (instance: number, text: string) => void;
  /** The turn is over, and with it whatever was wrong is known. */
  readonly turned: () => void;
  /** Something happened after which an election may begin. */
  readonly stirred: () => void;
}

export interface DaemonDeps {
  readonly world: WorldClock;
  readonly wire: Wire;
  readonly clock: HostClock;
  readonly kernel: Kernel;
  readonly memory: Memory;
  readonly router: number;
  readonly host: number;
  readonly grouped: boolean;
  /** Empty: multicast. */
  readonly peers: readonly IpAddress[];
  readonly fault: Fault | undefined;
  /** Whether the tracked script succeeds when it is run now. */
  readonly scriptWell: () => boolean;
  readonly events: DaemonEvents;
}

/** Unwinds what a killed process was about to do. */
class Killed extends Error {}

const instanceName = (instance: number): string => `V${instance}`;
const RESUME_INTERVALS = 2;

/** The real VRRP of one process on a host of the simulation, with the reference beside each of its virtual routers. */
export class Daemon {
  readonly #deps: DaemonDeps;
  readonly loop: EventLoop;
  readonly #router: VrrpRouter;
  readonly #view: KernelView;
  readonly #senses: Senses;
  readonly conformances: readonly Conformance[];
  #specs: readonly Spec[];
  /** Reloads do not change it: the result of a run under way would be dropped, and the reference does not know that. */
  readonly #scriptInterval: number;
  #stopped: boolean = false;
  #doom = 0;
  #actionsLeft = 0;
  #killed: boolean = false;

  constructor(specs: readonly Spec[], deps: DaemonDeps) {
    this.#deps = deps;
    this.#specs = specs;
    this.#scriptInterval = 2 * (specs[0]?.interval ?? 0);
    this.loop = new EventLoop(deps.world, deps.clock, (cause, run) => this.#turn(cause, run));
    this.#view = deps.kernel.open({
      added: (address) => {
        this.#act();
        this.#ofAddress(address)?.added();
      },
      deleted: (address, was) => {
        this.#act();
        this.#ofAddress(address)?.deleted(address, was, this.loop.now());
      },
      tell: (run) => deps.world.at(deps.world.now + NETLINK_MS, () => this.loop.deliver("host", run)),
      noticed: (change) => this.#noticed(change),
    });
    this.#senses = { carrier: deps.kernel.carrier, own: deps.kernel.hasOwn, script: "init" };
    this.conformances = specs.map(
      (spec, i) =>
        new Conformance(
          new Reference(spec, this.#senses),
          (rule, what) => deps.events.report(i, rule, what),
          (role) => deps.events.role(i, role),
        ),
    );
    if (deps.grouped) this.#group();
    this.#router = this.#assemble();
  }

  #group(): void {
    const all = this.conformances.map(({ reference }) => reference);
    for (const reference of all) reference.mates = all.filter((other) => other !== reference);
  }

  start(): void {
    this.loop.deliver("control", () => {
      const now = this.loop.now();
      const resumes = this.#specs.map((_, i) => this.#mayResume(i, now));
      // All members of a sync group go on as MASTER, or none does.
      const allowed = !this.#deps.grouped || resumes.every((r) => r);
      for (const [i, conformance] of this.conformances.entries())
        conformance.booted(now, allowed && resumes[i] === true);
      this.#router.start(this.#config());
    });
    // When the start is over.
    this.loop.deliver("control", () => {
      const { memory, fault } = this.#deps;
      const left = fault?.ignoresCopy === true ? [] : (memory.copy ?? []);
      for (const _step of this.#router.releasingLeft(left.map((spec, i) => this.#instance(spec, i))));
      memory.copy = this.#specs;
    });
  }

  stop(release: boolean): void {
    this.loop.deliver("control", () => {
      for (const conformance of this.conformances) conformance.stopped(release);
      this.#stopped = true;
      this.#router.stop({ release }).catch((error) => {
        if (!this.#killed) throw error;
      });
      if (!this.#killed) this.#deps.memory.copy = undefined;
    });
  }

  /** It will be killed before the n-th action of a turn; 0: not. */
  doom(midway: number): void {
    this.#doom = midway;
  }

  /** What a stop has left behind, undefined when nothing. */
  get leftovers(): string | undefined {
    const { wire, router } = this.#deps;
    const parts = [
      [this.loop.armed, "timers"],
      [wire.stationsOf(router), "sockets"],
      [this.#view.listeners, "listeners"],
    ] as const;
    const left = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
    return left.length > 0 ? left.join(", ") : undefined;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  reload(specs: readonly Spec[]): void {
    this.loop.deliver("control", () => {
      const before = this.#specs;
      this.#specs = specs;
      this.#deps.memory.copy = specs;
      const now = this.loop.now();
      for (const [i, conformance] of this.conformances.entries()) {
        const spec = specs[i];
        if (spec !== undefined) conformance.reloaded(spec, spec !== before[i], now);
      }
      this.#router.reload(this.#config());
    });
  }

  /** The process and everything of it is gone at once. */
  kill(): void {
    const { wire, kernel, router } = this.#deps;
    this.loop.end();
    wire.unplug(router);
    kernel.close();
  }

  #mayResume(instance: number, now: number): boolean {
    const spec = this.#specs[instance];
    const last = [...this.#deps.memory.states].find(([key]) => key.startsWith(`${FIRST_VRID + instance} `))?.[1];
    if (spec === undefined || last?.state !== "MASTER") return false;
    return now - last.lastAdvertBootMs <= RESUME_INTERVALS * spec.interval;
  }

  #assemble(): VrrpRouter {
    const { wire, router, memory, fault = { name: "none" } } = this.#deps;
    const { states } = memory;
    const transport = wire.transport(
      router,
      (packet) => this.#sent(packet),
      (packet, isOpen, run) =>
        this.loop.deliver("packet", () => {
          if (isOpen()) this.#heard(packet, run);
        }),
    );
    const log = Object.assign(() => undefined, { detail: false });
    return new VrrpRouter({
      clock: fault.clock?.(this.loop) ?? this.loop,
      network: fault.network?.(this.#view) ?? this.#view,
      transport: fault.transport?.(transport) ?? transport,
      sendFrame: (_index, frame) => this.#announced(frame),
      scripts: { run: (_command, _args, _timeout, done) => this.#runScript(done) },
      log,
      onTransition: (event) => this.#told(event),
      onAdvertSent: (key, at) => void states.set(key, { state: "MASTER", lastAdvertBootMs: at }),
      resume: (key) => {
        const found = states.get(key);
        return fault.resume === undefined ? found : fault.resume(found, this.loop.now());
      },
      ...(fault.reducer === undefined ? {} : { reducer: fault.reducer }),
    });
  }

  #turn(cause: Cause, run: () => void): void {
    for (const conformance of this.conformances) conformance.turnBegins();
    this.#actionsLeft = this.#doom;
    try {
      run();
    } catch (error) {
      if (!this.#killed) this.#deps.events.report(0, "threw an error", String(error));
    }
    if (this.#killed) {
      this.#deps.events.died();
      return;
    }
    const { virtual, unnoticed } = this.#deps.kernel;
    const now = this.loop.now();
    for (const conformance of this.conformances) {
      conformance.turnEnds(cause, now, this.loop.awakeSince, (address) =>
        unnoticed.has(address) ? undefined : virtual.has(address),
      );
    }
    this.#checkTimers();
    if (this.#deps.grouped) this.#checkGroup();
    this.#deps.events.turned();
  }

  #checkTimers(): void {
    const scripts = this.#stopped || !this.#tracksScript() ? 0 : 1;
    let [least, most] = [scripts, scripts];
    for (const conformance of this.conformances) {
      const [low, high] = conformance.timers();
      least += low;
      most += high;
    }
    const { armed } = this.loop;
    if (armed >= least && armed <= most) return;
    const roles = this.conformances.map((c) => c.is).join(", ");
    this.#deps.events.report(0, "timers doubled or lost", `${armed} instead of ${least} to ${most} as ${roles}`);
  }

  /** Members of a sync group are in the same role whenever the process rests. */
  #checkGroup(): void {
    const roles = new Set(this.conformances.map((c) => c.is));
    if (roles.size > 1) this.#deps.events.report(0, "sync group not together", [...roles].join(" and "));
  }

  #act(): void {
    if (this.#killed || (this.#actionsLeft > 0 && --this.#actionsLeft === 0)) {
      this.#killed = true;
      throw new Killed();
    }
  }

  #ofAddress(address: IpAddress): Conformance | undefined {
    return this.conformances[instanceOf(address)];
  }

  #sent(packet: Uint8Array): void {
    const instance = (packet[21] ?? 0) - FIRST_VRID;
    this.#act();
    const { events, peers } = this.#deps;
    const [first] = peers;
    if (first !== undefined && packet[19] !== Number(first.slice(first.lastIndexOf(".") + 1))) return; // a copy
    if (packet[22] !== 0) events.advertised(instance);
    events.action(instance, packet[22] === 0 ? "says good-bye" : `advert ${packet[22]}`);
    this.conformances[instance]?.sent(packet[22] ?? 0, intervalOf(packet));
  }

  #heard(packet: Buffer, run: () => void): void {
    const heard = { priority: packet[22] ?? 0, interval: intervalOf(packet), host: packet[15] ?? 0 };
    if (heard.host !== WRONG_OCTET) this.conformances[(packet[21] ?? 0) - FIRST_VRID]?.heard(heard, this.loop.now());
    run();
  }

  #announced(frame: Uint8Array): number {
    this.#act();
    this.conformances[octetToInstance(frame[31] ?? 0)]?.announced();
    return 0;
  }

  #told({ key, instance, from, to, because }: VrrpTransition): void {
    this.#act();
    const { events } = this.#deps;
    const { states } = this.#deps.memory;
    if (to === "STOP" || to === "DELETED") states.delete(key);
    else states.set(key, { state: to, lastAdvertBootMs: states.get(key)?.lastAdvertBootMs ?? ms(0) });
    const number = Number(instance.name.slice(1));
    this.conformances[number]?.told(from, to === "DELETED" ? "STOP" : to);
    events.action(number, `${from} -> ${to} (${because})`);
  }

  #noticed(change: NetworkChange): void {
    const now = this.loop.now();
    if (change.kind === "address-gone") this.#lost(change.address.address, now);
    if (change.kind === "link") this.#senses.carrier = change.link.running;
    const own =
      change.kind !== "link" && change.kind !== "link-gone" && change.address.address === this.#deps.kernel.own;
    if (own) this.#senses.own = change.kind === "address";
    if (!own && change.kind !== "link") return;
    this.#deps.events.stirred();
    for (const conformance of this.conformances) conformance.sensed(now);
  }

  #lost(address: IpAddress, now: number): void {
    const loser = this.#ofAddress(address);
    if (loser?.lost(address, now) !== true || !this.#deps.grouped) return;
    for (const conformance of this.conformances) if (conformance !== loser) conformance.followed();
  }

  #runScript(done: (result: { readonly kind: "exited"; readonly value: number }) => void): void {
    const { world, scriptWell } = this.#deps;
    world.at(world.now + SCRIPT_MS, () => {
      const well = scriptWell();
      this.loop.deliver("host", () => {
        this.#scriptEnded(well);
        done({ kind: "exited", value: well ? 0 : 1 });
      });
    });
  }

  #scriptEnded(well: boolean): void {
    const script = well ? "up" : "down";
    if (script === this.#senses.script || this.#stopped) return;
    this.#senses.script = script;
    this.#deps.events.stirred();
    for (const conformance of this.conformances) conformance.sensed(this.loop.now());
  }

  #instance(spec: Spec, instance: number): VrrpInstanceConfig {
    return instanceOfSpec(spec, instance, this.#deps.peers);
  }

  #tracksScript(): boolean {
    return this.#specs.some(({ scriptWeight }) => scriptWeight !== undefined);
  }

  #config(): Config {
    const { grouped } = this.#deps;
    const vrrpInstances = this.#specs.map((spec, i) => this.#instance(spec, i));
    const members = vrrpInstances.map((i) => i.name);
    const { syncGroups, ...empty } = emptyConfig();
    return {
      ...empty,
      vrrpInstances,
      vrrpScripts: this.#tracksScript() ? [scriptOf(this.#scriptInterval)] : [],
      syncGroups: grouped ? [syncGroup("G", members)] : syncGroups,
    };
  }
}

const intervalOf = (packet: Uint8Array): number =>
  (packet[20] ?? 0) >>> 4 === 3
    ? ((((packet[24] ?? 0) & 0x0f) << 8) | (packet[25] ?? 0)) * 10
    : (packet[25] ?? 0) * 1000;

/** 192.0.2.100 and 101 are of the first instance, 110 and 111 of the second. */
export const addressOf = (instance: number, extra: boolean): IpAddress =>
  `192.0.2.${100 + 10 * instance + (extra ? 1 : 0)}`;
const octetToInstance = (octet: number): number => Math.floor((octet - 100) / 10);
const instanceOf = (address: IpAddress): number => octetToInstance(Number(address.slice(address.lastIndexOf(".") + 1)));

function instanceOfSpec(spec: Spec, instance: number, unicastPeers: readonly IpAddress[]): VrrpInstanceConfig {
  const plain = instanceConfig();
  return {
    ...plain,
    name: instanceName(instance),
    version: spec.version,
    initialState: spec.priority === 255 ? "MASTER" : "BACKUP",
    vrid: vrid(FIRST_VRID + instance),
    basePriority: priority(spec.priority),
    advertInterval: ms(spec.interval),
    virtualAddresses: spec.addresses.map((address) => virtualAddress(address, { prefix: 24 })),
    trackScripts: spec.scriptWeight === undefined ? [] : [{ name: "chk", weight: spec.scriptWeight, reverse: false }],
    unicastPeers,
    preempt: spec.preempt,
    preemptDelay: ms(spec.preemptDelay),
    lowerPrioNoAdvert: spec.lowerPrioNoAdvert,
    higherPrioSendAdvert: spec.higherPrioSendAdvert,
    garp: { ...plain.garp, masterRepeat: 1, masterDelay: ms(spec.garpDelay), lowerPrioRepeat: 0 },
  };
}

const scriptOf = (interval: number): Config["vrrpScripts"][number] => ({
  name: "chk",
  command: { argv: ["/chk"], user: { name: "root", uid: 0, gid: 0 } },
  interval: ms(interval),
  timeout: ms(interval),
  weight: 0,
  reverse: false,
  rise: 1,
  fall: 1,
  initFail: false,
});
