import { isDeepStrictEqual } from "node:util";
import { familyOf, type IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { GuardConfig } from "../config/model-guard.js";
import type { Level, Log } from "../observe/log.js";
import { type Milliseconds, ms, type Priority } from "../units.js";
import { unreachable } from "../unreachable.js";
import { Deadline } from "./deadline.js";
import {
  type GuardContext,
  type GuardEvent,
  type GuardReducer,
  type GuardState,
  goesFirst,
  guardStep,
  inherit,
  isCandidate,
  noAttempt,
  type PeerState,
  type PeerView,
  witnessName,
} from "./guard.js";
import type { Asked, GuardHost, HeartbeatSocket } from "./guard-ports.js";
import { givesWay, oneMaster, type SplitEvent, type SplitState, splitStep } from "./guard-split.js";
import { HeartbeatLink } from "./heartbeat-link.js";
import { channel } from "./heartbeat-message.js";
import { type AdvertEvent, type State, stateName } from "./machine-types.js";
import type { ScriptResult } from "./ports.js";
import { vipInterface } from "./vip-interface.js";

export interface GuardDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly host: GuardHost;
  /** Default: guard.ts. */
  readonly reducer?: GuardReducer | undefined;
  /** Nobody in its sync group would keep it from being MASTER once the peer gives way. */
  readonly mayAsk: () => boolean;
  /** Its sync group says which of two candidates goes first; undefined: their priorities do. `index`: of the peer among all. */
  readonly goesFirst?: (peer: IpAddress, index: number) => boolean | undefined;
  /** Every condition holds. */
  readonly onClear: () => void;
  /** A stronger peer, which hears our adverts, asks us to give way; or it is MASTER beside us, and VRRP does not settle it. */
  readonly onHandOver: (to: IpAddress, priority: number, why: "asked" | "beside") => void;
  /** Two masters were seen, or no more; `from`: the other one. */
  readonly onSplit: (what: "two" | "healed", from: IpAddress) => void;
}

/** What a guarded instance is, as its shell knows it after every event. */
export interface Guarded {
  readonly state: State;
  readonly priority: Priority;
  /** The last good advert of somebody else. */
  readonly heard: AdvertEvent | undefined;
  readonly heardAt: Milliseconds;
}

/** A guard at one moment, for status and the question "why?". Times are boot time. */
export interface GuardSnapshot {
  /** Why it does not claim; undefined while it is not asked, or every condition holds. */
  readonly waits: string | undefined;
  readonly since: Milliseconds | undefined;
  readonly twoMasters: { readonly from: IpAddress; readonly since: Milliseconds } | undefined;
  readonly peers: readonly (PeerView & {
    readonly heardAt: Milliseconds | undefined;
    readonly problem: string | undefined;
  })[];
  /** As they were last asked; `problem` undefined: it answered. */
  readonly witnesses: readonly { readonly name: string; readonly problem: string | undefined }[];
  readonly counters: Readonly<GuardCounters>;
}

export interface GuardCounters {
  /** Claims that were held up because a condition did not hold. */
  held: number;
  /** Claims that all conditions let through. */
  claims: number;
  /** How often two masters were seen. */
  twoMasters: number;
  /** Heartbeats that were not believed. */
  badHeartbeats: number;
}

interface Path {
  readonly link: HeartbeatLink;
  readonly socket: HeartbeatSocket;
  readonly beat: Deadline;
}

/** A fencing script that runs. It may outlive its guard, and is then heard by the next one. */
interface FencingRun {
  readonly fence: GuardConfig["fence"];
  hear: (problem: string | undefined) => void;
}

/** A weaker master is heard as long as its last advert is not older than two of its intervals. */
const FRESH = 2;

/** The shell of one instance's guard: heartbeats, questions and the script around guard.ts. */
export class InstanceGuard {
  readonly #deps: GuardDeps;
  readonly #reducer: GuardReducer;
  readonly #config: GuardConfig;
  readonly #instance: Pick<VrrpInstanceConfig, "name" | "family" | "vrid">;
  #vips: readonly Asked[];
  readonly #paths: readonly Path[];
  readonly #timer: Deadline;
  readonly #splitTimer: Deadline;
  #state: GuardState = noAttempt;
  #split: SplitState = oneMaster;
  #now: Guarded | undefined;
  #preempting: boolean = false;
  #told = "";
  #probe: Disposable | undefined;
  #fencing: FencingRun | undefined;
  readonly #witnesses: (string | undefined)[] = [];
  readonly #counters: GuardCounters = { held: 0, claims: 0, twoMasters: 0, badHeartbeats: 0 };
  #stopped: boolean = false;

  /** @param before the guard that it takes the place of, which is stopped */
  constructor(guard: GuardConfig, instance: VrrpInstanceConfig, deps: GuardDeps, before?: InstanceGuard) {
    this.#deps = deps;
    this.#reducer = deps.reducer ?? guardStep;
    this.#config = guard;
    this.#instance = instance;
    this.#vips = addressesOf(instance);
    this.#timer = new Deadline(deps.clock, () => this.#run({ on: "look" }));
    this.#splitTimer = new Deadline(deps.clock, () => this.#judge({ on: "look" }));
    this.#paths = guard.heartbeats.map((_, i) => this.#open(i));
    if (guard.witnesses.length > 0) deps.host.witnesses.prepare();
    if (before !== undefined) this.#inherit(before);
  }

  #inherit(before: InstanceGuard): void {
    const sameFence = isDeepStrictEqual(before.#config.fence, this.#config.fence);
    this.#state = inherit(before.#state, this.#deps.clock.now(), sameFence);
    if (before.#fencing !== undefined) this.#hearFencing(before.#fencing);
  }

  /** Undefined: nothing was heard of the peer. `index`: which one it is where it has another address. */
  letsFirst(peer: IpAddress, index: number): boolean | undefined {
    const path = this.#paths.find(({ link }) => link.peer === peer) ?? this.#paths[index];
    if (path?.link.heardAt === undefined) return undefined;
    return goesFirst(this.#now?.priority ?? (0 as Priority), path.link.view());
  }

  /** Whether this guard serves the new configuration as it is. */
  suits(guard: GuardConfig | undefined, { name, family, vrid }: VrrpInstanceConfig): boolean {
    const { name: n, family: f, vrid: v } = this.#instance;
    return name === n && family === f && vrid === v && isDeepStrictEqual(this.#config, guard);
  }

  reconfigure(instance: VrrpInstanceConfig): void {
    this.#vips = addressesOf(instance);
  }

  /** The claim may go through. */
  get clear(): boolean {
    return this.#state.at === "clear";
  }

  /** After every event of the instance: cheap where nothing changed. */
  follow(now: Guarded): void {
    const before = this.#now;
    this.#now = now;
    if (now.state.at !== "master" && before?.state.at === "master") this.#judge({ on: "left" });
    const wants = now.state.at === "backup" && now.state.wantsMaster;
    const preempting = wants && this.#hearsWeaker(now);
    const changed = preempting !== this.#preempting || now.priority !== before?.priority;
    this.#preempting = preempting;
    if (wants !== (this.#state.at !== "idle")) this.#run({ on: wants ? "wanted" : "dropped" });
    else if (wants && changed) this.#run({ on: "look" });
    else this.#tell();
  }

  /** While MASTER: an advert that changed nothing. */
  rival({ source, interval }: AdvertEvent): void {
    this.#judge({ on: "advert", from: source, interval });
  }

  /** @param quietly the next daemon goes on with the addresses: peers are not told */
  stop(quietly: boolean): void {
    this.#stopped = true;
    this.#probe?.[Symbol.dispose]();
    this.#timer.disarm();
    this.#splitTimer.disarm();
    for (const { link, socket, beat } of this.#paths) {
      beat.disarm();
      if (!quietly) link.tell({ state: "STOP", priority: 0, preempts: false });
      socket[Symbol.dispose]();
    }
  }

  snapshot(): GuardSnapshot {
    const { at } = this.#state;
    const waiting = at === "idle" || at === "clear" ? undefined : this.#state;
    const badHeartbeats = this.#paths.reduce((sum, { link }) => sum + link.rejected, this.#counters.badHeartbeats);
    return {
      waits: waiting?.waits,
      since: waiting?.since,
      twoMasters: this.#split.at === "two" ? { from: this.#split.from, since: this.#split.since } : undefined,
      peers: this.#paths.map(({ link, socket }) => ({
        ...link.view(),
        heardAt: link.heardAt,
        problem: socket.problem,
      })),
      witnesses: this.#config.witnesses.flatMap((witness, i) =>
        i in this.#witnesses ? [{ name: witnessName(witness), problem: this.#witnesses[i] }] : [],
      ),
      counters: { ...this.#counters, badHeartbeats },
    };
  }

  clearCounters(): void {
    Object.assign(this.#counters, { held: 0, claims: 0, twoMasters: 0, badHeartbeats: 0 });
    for (const { link } of this.#paths) link.rejected = 0;
  }

  #open(index: number): Path {
    const { heartbeats } = this.#deps.host;
    const config = this.#config.heartbeats[index];
    if (config === undefined) throw new RangeError(`there is no heartbeat ${index}`);
    const { family, vrid } = this.#instance;
    const clock = this.#deps.clock;
    const link = new HeartbeatLink(config, { family, vrid }, this.#deps.host.session(), {
      now: () => clock.now(),
      send: (bytes) => socket.send(bytes),
    });
    const beat = new Deadline(clock, (at) => {
      link.beat();
      beat.arm(ms(Math.max(at + config.interval, clock.now())));
      this.#run({ on: "look" });
    });
    const socket = heartbeats.open(config, channel(family, vrid), {
      onMessage: (bytes) => {
        if (link.receive(bytes)) this.#heard(link, config.interval);
      },
      onReady: () => link.beat(),
    });
    beat.arm(ms(clock.now() + config.interval));
    return { link, socket, beat };
  }

  #heard(link: HeartbeatLink, interval: Milliseconds): void {
    if (this.#stopped) return;
    const peer = link.view();
    if (this.#now?.state.at === "master") this.#hearWhileMaster(peer, interval);
    this.#run({ on: "look" });
  }

  #hearWhileMaster(peer: PeerView, interval: Milliseconds): void {
    const own = this.#now?.priority ?? (0 as Priority);
    if (peer.state === "MASTER") {
      this.#judge({ on: "heartbeat", from: peer.address, until: peer.silentAt });
      const rank = goesFirst(own, peer) ? "stronger" : "weaker";
      if (givesWay(this.#deps.clock.now(), this.#split, rank, interval))
        this.#deps.onHandOver(peer.address, peer.priority, "beside");
    } else if (this.#split.at === "two") this.#judge({ on: "look" });
    if (peer.state === "CANDIDATE" && peer.preempts && peer.priority > own)
      this.#deps.onHandOver(peer.address, peer.priority, "asked");
  }

  #hearsWeaker({ heard, heardAt, priority }: Guarded): boolean {
    if (heard === undefined || heard.priority === 0 || heard.priority >= priority) return false;
    return this.#deps.clock.now() - heardAt <= FRESH * heard.interval;
  }

  #context(): GuardContext {
    const peers = this.#paths.map(({ link }) => link.view());
    return {
      config: this.#config,
      now: this.#deps.clock.now(),
      priority: this.#now?.priority ?? (0 as Priority),
      preempting: this.#preempting,
      peers,
      goesFirst: (peer) => this.#deps.goesFirst?.(peer.address, peers.indexOf(peer)),
    };
  }

  #run(event: GuardEvent): void {
    if (this.#stopped || this.#now === undefined) return;
    if (event.on === "look" && this.#state.at === "idle") return;
    const before = this.#state;
    const { state, effects } = this.#reducer(this.#context(), before, event);
    this.#state = state;
    if (state.at === "idle" || state.until === undefined) this.#timer.disarm();
    else this.#timer.arm(ms(Math.max(state.until, this.#deps.clock.now())));
    if (state.at !== "probe") this.#probe?.[Symbol.dispose]();
    if (state.at === "idle") this.#told = "";
    this.#tell();
    for (const effect of effects) {
      switch (effect.do) {
        case "askWitnesses":
          this.#ask(effect.number);
          break;
        case "fence":
          this.#fence();
          break;
        case "probe":
          this.#askSegment(effect.number);
          break;
        case "tell":
          this.#sayOnce(effect.reason);
          break;
        case "claim":
          this.#passed(before);
          break;
        default:
          unreachable(effect);
      }
    }
  }

  #passed(before: GuardState): void {
    this.#counters.claims++;
    if (before.at !== "idle") {
      const took = ((this.#deps.clock.now() - before.since) / 1000).toFixed(3);
      this.#log("info", "vrrp.guard-clear", `split_brain_guard lets the claim through after ${took} s`);
    }
    this.#deps.onClear();
  }

  #sayOnce(reason: string): void {
    if (this.#told === reason) return;
    if (this.#told === "") this.#counters.held++;
    this.#told = reason;
    this.#log("warning", "vrrp.guard-holds", `split_brain_guard holds the claim: ${reason}`);
  }

  /** Heartbeats say what we are now. */
  #tell(): void {
    const now = this.#now;
    if (this.#stopped || now === undefined || this.#paths.length === 0) return;
    const candidate = isCandidate(this.#state);
    const state: PeerState = candidate ? "CANDIDATE" : stateName(now.state);
    const preempts = candidate && this.#preempting && this.#deps.mayAsk();
    const told = { state, priority: now.priority, preempts };
    for (const { link } of this.#paths) link.tell(told);
  }

  #ask(number: number): void {
    for (const [index, witness] of this.#config.witnesses.entries()) {
      this.#deps.host.witnesses.ask(witness, (problem) => {
        this.#witnesses[index] = problem;
        this.#run({ on: "witness", number, index, problem });
      });
    }
  }

  #fence(): void {
    const { fence } = this.#config;
    if (fence?.command === undefined) return;
    const { command, timeout } = fence;
    this.#log("notice", "vrrp.guard-fence", `split_brain_guard runs the fencing script ${command.argv[0]}`);
    const run: FencingRun = { fence, hear: () => undefined };
    this.#hearFencing(run);
    this.#deps.host.scripts.run(command, [this.#instance.name], timeout, (result) => run.hear(scriptProblem(result)));
  }

  #hearFencing(run: FencingRun): void {
    this.#fencing = run;
    run.hear = (problem) => {
      this.#fencing = undefined;
      const isOurs = isDeepStrictEqual(run.fence, this.#config.fence);
      this.#run({ on: "fenced", problem: isOurs ? problem : "a reload has named another one" });
    };
  }

  #askSegment(number: number): void {
    this.#probe?.[Symbol.dispose]();
    const wait = this.#config.probeAddress ?? ms(0);
    this.#probe = this.#deps.host.addresses.probe(this.#vips, wait, (result) =>
      this.#run({ on: "probed", number, result }),
    );
  }

  #judge(event: SplitEvent): void {
    const before = this.#split;
    const { state, tell } = splitStep(this.#deps.clock.now(), before, event);
    this.#split = state;
    if (state.at === "one") this.#splitTimer.disarm();
    else this.#splitTimer.arm(state.until);
    if (tell === "two" && state.at === "two") {
      this.#counters.twoMasters++;
      const sentence = `two masters: ${state.from} is MASTER too; see to the network between it and this host`;
      this.#log("error", "vrrp.two-masters", sentence);
      this.#deps.onSplit("two", state.from);
    }
    if (tell === "healed" && before.at === "two") {
      const took = ((this.#deps.clock.now() - before.since) / 1000).toFixed(3);
      this.#log("notice", "vrrp.one-master", `one master again: ${took} s after ${before.from} was seen to be one too`);
      this.#deps.onSplit("healed", before.from);
    }
  }

  #log(level: Level, event: string, sentence: string): void {
    const { name } = this.#instance;
    this.#deps.log(level, event, `(${name}) ${sentence}`, { instance: name });
  }
}

/**
 * Below a virtual interface its base is asked: the master's VMAC has the same hardware address as ours, so an answer would look like
 * our own, and a question from it would draw the master's packets to this host.
 */
const addressesOf = (instance: VrrpInstanceConfig): readonly Asked[] =>
  [...instance.virtualAddresses, ...instance.excludedAddresses].map(({ address, dev, more }) => ({
    address,
    interface: dev === undefined ? baseOf(instance) : (more.base ?? dev),
    family: familyOf(address),
  }));

const baseOf = (instance: VrrpInstanceConfig): string =>
  instance.interface === "" ? vipInterface(instance) : instance.interface;

/** Undefined: it ended with 0. */
function scriptProblem({ kind, value }: ScriptResult): string | undefined {
  switch (kind) {
    case "exited":
      return value === 0 ? undefined : `exit code ${value}`;
    case "signalled":
      return `ended by signal ${value}`;
    case "timed-out":
      return "it took longer than fence_timeout";
    case "not-started":
      return `it could not be started (errno ${value})`;
  }
}
