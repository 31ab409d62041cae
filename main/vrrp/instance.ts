import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { HostEntry } from "../host-entry.js";
import { type Milliseconds, ms, type Priority, priority } from "../units.js";
import { unreachable } from "../unreachable.js";
import { AddressHolder } from "./address-holder.js";
import { AdvertLog } from "./advert-log.js";
import { Advertiser } from "./advertiser.js";
import { Announcements } from "./announcements.js";
import { type Counters, zeroCounters } from "./counters.js";
import { Deadline } from "./deadline.js";
import { EntryHolder } from "./entry-holder.js";
import { channel } from "./heartbeat-message.js";
import { type GuardDeps, type Guarded, InstanceGuard } from "./instance-guard.js";
import type { InstanceDeps, Resumption, VrrpNotice } from "./instance-types.js";
import { Intake } from "./intake.js";
import { isOwnerMaster } from "./machine-moves.js";
import {
  type AdvertEvent,
  type Effect,
  type Event,
  type LogEffect,
  type State,
  stateName,
  type VrrpState,
} from "./machine-types.js";
import { MasterDownTimer } from "./master-down.js";
import type { ReceivedAdvert } from "./packet.js";
import type { InterfaceAddress } from "./ports.js";
import { isRepetition, putOff, waitAfter } from "./repetition.js";
import { type InstanceStanding, snapshotOf, type VrrpSnapshot } from "./snapshot.js";
import { Surroundings } from "./surroundings.js";
import type { GroupOrder } from "./sync-group.js";
import type { GroupMember } from "./sync-groups.js";
import { masterDownInterval, nextDeadline } from "./timers.js";
import type { Tracking } from "./tracking.js";
import { WireState } from "./wire-state.js";

/** A timer this late means that we were stalled: adverts may wait unread in the socket, so they are read first. */
const STALL: Milliseconds = ms(10);
/** Long enough for one turn of the event loop. */
const READ_FIRST: Milliseconds = ms(1);
/** Priority of the owner of the addresses. */
const OWNER = 255;
/** design.md: an instance resumes as MASTER only within this many intervals of its last advert. */
const RESUME_INTERVALS = 2;

/** No time. */
const NONE: Milliseconds = ms(Number.NaN);

/** The shell of one virtual router: feeds the reducer and performs its effects. */
export class Instance implements GroupMember {
  readonly key: string;
  readonly #deps: InstanceDeps;
  #config: VrrpInstanceConfig;
  #group: IpAddress;
  #state: State = { at: "init" };
  #tracking: Tracking;
  #lastTransition: VrrpSnapshot["lastTransition"];
  /** Times of the steady path are numbers, never undefined: V8 changes a double in its place, where a new one would be an object. NaN: none. */
  #lastAdvertSentAt: Milliseconds = NONE;
  #endsAs: "STOP" | "FAULT" | "DELETED" = "STOP";
  #busy: boolean = false;
  #readFirst: boolean = false;
  readonly #counters: Counters = zeroCounters();
  /** For the question "why?". */
  #heard: AdvertEvent | undefined;
  #heardAt: Milliseconds = NONE;
  /** Where adverts have repeated themselves since: the end of master-down that `#state` does not know. See repetition.ts. */
  #putOffTo: Milliseconds = NONE;
  #rejectedAt: Milliseconds = ms(0);
  readonly #events: Event[] = [];
  readonly #advertiser: Advertiser;
  readonly #surroundings: Surroundings;
  readonly #intake: Intake;
  readonly #wire: WireState;
  readonly #advertLog: AdvertLog;
  readonly #addresses: AddressHolder;
  readonly #entries: EntryHolder;
  readonly #announcements: Announcements;
  /** Undefined: without split_brain_guard, which costs nothing then. */
  #guard: InstanceGuard | undefined;
  readonly #timers: { readonly advert: Deadline; readonly masterDown: MasterDownTimer; readonly rogue: Deadline };

  /** @param group the multicast group, not used by unicast instances */
  constructor(key: string, config: VrrpInstanceConfig, group: IpAddress, deps: InstanceDeps) {
    this.key = key;
    this.#deps = deps;
    this.#config = config;
    this.#group = group;
    this.#tracking = { effective: config.basePriority, faults: [], waiting: [], contributions: [] };
    this.#advertLog = new AdvertLog(deps.log, deps.clock);
    this.#intake = new Intake(this.#counters, this.#advertLog);
    this.#wire = new WireState(deps.sequences?.(key));
    this.#advertiser = new Advertiser(deps, this.#wire, (advert, at) => this.#receive(advert, at));
    this.#surroundings = new Surroundings(deps, this.#advertiser, () => this.refresh());
    this.#addresses = new AddressHolder(config, deps);
    this.#entries = new EntryHolder(config, deps);
    this.#announcements = new Announcements(key, config, deps.clock, deps.garp, deps.log, this.#advertLog);
    this.#timers = {
      advert: new Deadline(deps.clock, (at) => this.#onAdvertTimer(at)),
      masterDown: new MasterDownTimer(deps.clock, (at) => this.#onMasterDown(at), deps.getReady),
      rogue: new Deadline(deps.clock, () => this.#dispatch({ on: "rogueTimer" })),
    };
    this.#guard = this.#newGuard(config);
  }

  /** @param heldByOthers addresses and entries (keys of their holders) that must not be touched */
  start(resumption: Resumption | undefined, heldByOthers: (key: string) => boolean): void {
    this.#tracking = this.#surroundings.look(this.key, this.#config, this.#group);
    const resumes = this.isFresh(resumption) && this.#tracking.faults.length === 0;
    if (!resumes) {
      this.#entries.forceRelease(heldByOthers);
      this.#addresses.forceRelease(heldByOthers);
    }
    this.#lastTransition = { at: this.#deps.clock.now(), because: resumes ? "resumed after a restart" : "start" };
    this.#dispatch({ on: resumes ? "resume" : "start" });
    this.#surroundings.settle(this.#config);
  }

  /** Looks at the host again: links, addresses, scripts. Nothing happens when nothing changed. */
  refresh(): void {
    if (this.#state.at === "init" || this.#state.at === "stopped") return;
    this.#dispatch({ on: "tracking", next: this.#surroundings.look(this.key, this.#config, this.#group) });
    this.#surroundings.settle(this.#config);
  }

  /** Was MASTER until a moment ago, in the daemon before this one. */
  isFresh(resumption: Resumption | undefined): boolean {
    const last = resumption?.state === "MASTER" ? resumption.lastAdvertBootMs : Number.NEGATIVE_INFINITY;
    return this.#deps.clock.now() - last <= RESUME_INTERVALS * this.#config.advertInterval;
  }

  get name(): string {
    return this.#config.name;
  }

  get state(): VrrpState {
    return stateName(this.#state);
  }

  get wantsMaster(): boolean {
    const isHeld = this.#guard?.clear === false && this.#state.at !== "master";
    return !isHeld && this.wouldLead;
  }

  get channel(): number | undefined {
    return this.#guard && channel(this.#config.family, this.#config.vrid);
  }

  letsFirst(peer: IpAddress, index: number): boolean | undefined {
    return this.#guard?.letsFirst(peer, index);
  }

  get wouldLead(): boolean {
    const state = this.#state;
    return state.at === "backup" ? state.wantsMaster : state.at === "master" || isOwnerMaster(this.#config);
  }

  /** Tells its sync group what is wrong with it, and does nothing about it yet. */
  look(): void {
    this.#surroundings.look(this.key, this.#config, this.#group);
  }

  obey(order: Exclude<GroupOrder, { to: "FAULT" }>, because: string): void {
    this.#dispatch({ on: "group", order, because });
  }

  announceAgain(): void {
    this.#dispatch({ on: "group", order: { to: "announce" }, because: "" });
  }

  addressGone(gone: InterfaceAddress): void {
    const what = this.#addresses.lost(gone, undefined, () => this.#entries.disturbed());
    if (what !== undefined) this.#dispatch({ on: "addressLost", what });
  }

  /** Something else that it stands for is gone. */
  giveWay(what: string): void {
    this.#dispatch({ on: "addressLost", what });
  }

  entryGone(isThat: (entry: HostEntry) => boolean): void {
    const what = this.#entries.lost(isThat);
    if (what !== undefined) this.#dispatch({ on: "addressLost", what });
  }

  /** What went with a link that was down. @param interfaceName undefined: any route or rule may be missing */
  restore(interfaceName: string | undefined): void {
    if (this.#state.at !== "master") return;
    if (interfaceName !== undefined) {
      this.#block(true); // link-local addresses are blocked by the index of their interface, which may be another one now
      this.#addresses.restore(interfaceName);
    }
    this.#entries.restore(interfaceName);
  }

  /** Keys of addresses and entries that it holds when it is MASTER. */
  names(): readonly string[] {
    return [...this.#addresses.names(), ...this.#entries.names()];
  }

  /** @param key of an address or an entry */
  holds(key: string): boolean {
    return this.#addresses.holds(key) || this.#entries.holds(key);
  }

  /** Keys of all that it holds. */
  *held(): Generator<string> {
    yield* this.#addresses.keys();
    yield* this.#entries.keys();
  }

  /** Reload: state and counters stay, differences are applied. */
  reconfigure(config: VrrpInstanceConfig, group: IpAddress): void {
    const holding = this.#state.at === "master";
    const before = this.#config;
    const { added, deletes } = this.#addresses.reconfigure(config, holding);
    this.#entries.reconfigure(config, holding);
    if (deletes) this.#entries.disturbed();
    this.#announcements.reconfigure(config);
    this.#config = config;
    this.#reguard();
    this.#block(holding);
    this.#group = group;
    this.refresh();
    this.#dispatch({ on: "reconfigured", before });
    if (this.#state.at === "master" && added.length > 0) this.#announcements.added(added);
  }

  /** @param release false: addresses stay for the next daemon and no farewell is sent */
  stop(release: boolean, endsAs: "STOP" | "FAULT" | "DELETED"): void {
    this.#endsAs = endsAs;
    if (!release) this.#guard?.stop(true);
    this.#dispatch({ on: "shutdown", release });
    for (const timer of Object.values(this.#timers)) timer.disarm();
    this.#announcements.stop();
    this.#surroundings[Symbol.dispose]();
    if (release) this.#guard?.stop(false);
  }

  clearCounters(): void {
    this.#guard?.clearCounters();
    Object.assign(this.#counters, zeroCounters());
  }

  /** The little of `snapshot` that other members of its sync group are asked for. */
  standing(): InstanceStanding {
    return { state: this.state, faults: this.#tracking.faults };
  }

  snapshot(): VrrpSnapshot {
    const plain = {
      key: this.key,
      config: this.#config,
      source: this.#surroundings.source,
      lastTransition: this.#lastTransition,
      counters: this.#counters,
      nextAdvertAt: this.#timers.advert.at,
      masterDownAt: this.#timers.masterDown.at,
      lastAdvertSentAt: Number.isNaN(this.#lastAdvertSentAt) ? undefined : this.#lastAdvertSentAt,
      lastHeard: this.#heard && { at: this.#heardAt, what: heardOf(this.#heard) },
      lastRejected: this.#intake.rejected && { at: this.#rejectedAt, what: this.#intake.rejected },
      guard: this.#guard?.snapshot(),
    };
    return snapshotOf(plain, this.#settled(), this.#tracking, {
      address: (address) => this.#addresses.isSet(address),
      entry: (entry) => this.#entries.isSet(entry),
    });
  }

  /** @returns whether it was of use */
  #receive(advert: ReceivedAdvert, at: Milliseconds): boolean {
    const { source } = this.#surroundings;
    if (source === undefined) return false;
    if (this.#deps.startup.until !== undefined) return true; // nothing is wrong with it
    this.#giveWayWhenLate(); // before it is judged: a weaker master is one that we follow then
    const { rejected } = this.#intake;
    const event = this.#intake.judge(advert, {
      config: this.#config,
      state: this.#state,
      tracking: this.#tracking,
      source,
      group: this.#group,
      wire: this.#wire,
      wallClock: this.#deps.wallClock,
    });
    if (this.#intake.rejected !== rejected) this.#rejectedAt = at;
    if (event === undefined) return false;
    this.#heard = event;
    if (this.#repeats(event, at)) return true;
    this.#settled(); // while it is known when its master was heard
    this.#heardAt = at;
    this.#dispatch(event);
    if (this.#guard !== undefined && event.priority > 0 && this.#state.at === "master") this.#guard.rival(event);
    return true;
  }

  /** Steady path of a backup: nothing is new but the time, so nothing is built. @returns whether that was all */
  #repeats(event: AdvertEvent, at: Milliseconds): boolean {
    if (!this.#deps.repeats || this.#guard !== undefined || this.#busy) return false;
    const { effective } = this.#tracking;
    const state = this.#state;
    if (!isRepetition(this.#config, effective, state, event)) return false;
    this.#heardAt = at;
    this.#putOffTo = ms(at + waitAfter(this.#config, effective, state));
    this.#readFirst = false;
    this.#timers.masterDown.arm(this.#putOffTo);
    return true;
  }

  /** The state with the times of adverts that only repeated themselves. */
  #settled(): State {
    if (this.#state.at !== "backup" || Number.isNaN(this.#putOffTo)) return this.#state;
    this.#state = putOff(this.#state, this.#heardAt, this.#putOffTo);
    this.#putOffTo = NONE;
    return this.#state;
  }

  /** Steady path: in MASTER the reducer's answer is always this, so nothing is built for it. */
  #onAdvertTimer(at: Milliseconds): void {
    if (this.#state.at !== "master" || this.#giveWayWhenLate()) return;
    this.#advertise(this.#tracking.effective);
    this.#timers.advert.arm(nextDeadline(at, this.#config.advertInterval, this.#deps.clock.now()));
  }

  /**
   * timer_expired_backup: who has sent nothing for so long that another router must be MASTER by now leaves it to that one, also
   * where that one is weaker. @returns whether it did
   */
  #giveWayWhenLate(): boolean {
    const { timerExpiredBackup: highest } = this.#config.extras;
    if (highest === undefined || this.#state.at !== "master" || Number.isNaN(this.#lastAdvertSentAt)) return false;
    const silent = this.#deps.clock.now() - this.#lastAdvertSentAt;
    if (silent <= masterDownInterval(this.#config, priority(highest), this.#config.advertInterval)) return false;
    const because = `timers ran so late (no advert for ${Math.round(silent)} ms) that another router may be MASTER`;
    this.#deps.log("warning", "vrrp.timer-expired", `(${this.#config.name}) ${because}: giving way to it`, {
      instance: this.#config.name,
      silent,
    });
    this.#dispatch({ on: "group", order: { to: "BACKUP", rush: false }, because });
    return true;
  }

  /** A reload changed how long the start is delayed. */
  moveStart(by: number): void {
    const state = this.#settled();
    if (state.at !== "backup") return;
    this.#state = { ...state, downAt: ms(state.downAt + by) };
    this.#timers.masterDown.arm(this.#state.downAt);
  }

  #onMasterDown(at: Milliseconds): void {
    const now = this.#deps.clock.now();
    this.#readFirst = !this.#readFirst && now - at > STALL;
    if (this.#readFirst) this.#timers.masterDown.arm(ms(now + READ_FIRST));
    else this.#dispatch({ on: "masterDownTimer" });
  }

  /** One event at a time: what an effect provokes waits until the state is stored. */
  #dispatch(event: Event): void {
    this.#events.push(event);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#step(next);
    } finally {
      this.#busy = false;
    }
  }

  #step(event: Event): void {
    const mayLead = this.#guard?.clear === false ? false : this.#deps.groups.mayLead(this.key);
    const { clock, startup } = this.#deps;
    const now = event.on === "advert" ? this.#heardAt : clock.now();
    const context = { config: this.#config, tracking: this.#tracking, now, mayLead, beginsAt: startup.until };
    const { state, effects } = this.#deps.reducer(context, this.#settled(), event);
    if (event.on === "tracking") this.#retrack(event.next);
    for (const effect of effects) this.#perform(effect, state, event);
    this.#state = state;
    this.#announcements.tell();
    this.#guard?.follow(this.#guarded());
  }

  #guarded(): Guarded {
    return { state: this.#state, priority: this.#tracking.effective, heard: this.#heard, heardAt: this.#heardAt };
  }

  #newGuard(config: VrrpInstanceConfig, before?: InstanceGuard): InstanceGuard | undefined {
    const { guards: host, guardReducer: reducer, clock, log } = this.#deps;
    if (config.guard === undefined || host === undefined) return undefined;
    const deps: GuardDeps = {
      clock,
      log,
      host,
      reducer,
      mayAsk: () => this.#deps.groups.othersWouldLead(this.key),
      goesFirst: (peer, index) => this.#deps.groups.peerGoesFirst(this.key, peer, index),
      onClear: () => this.#dispatch({ on: "cleared" }),
      onHandOver: (to, priority, why) => this.#dispatch({ on: "handOver", to, priority, why }),
      onSplit: (what) => this.#onSplit(what),
    };
    return new InstanceGuard(config.guard, config, deps, before);
  }

  /** Reload: a guard that says the same stays, with what it knows of its peers. */
  #reguard(): void {
    if (this.#guard?.suits(this.#config.guard, this.#config) === true) {
      this.#guard.reconfigure(this.#config);
      return;
    }
    const before = this.#guard;
    before?.stop(true);
    this.#guard = this.#newGuard(this.#config, before);
    this.#guard?.follow(this.#guarded());
  }

  /** Hosts may have learned the other master's hardware address. */
  #onSplit(what: "two" | "healed"): void {
    if (what === "healed" && this.#state.at === "master") this.#announcements.start("master");
    if (this.#config.guard?.tellsFifo === true) this.#notice(what === "two" ? "two-masters" : "one-master");
  }

  #perform(effect: Effect, next: State, cause: Event): void {
    switch (effect.do) {
      case "advertise":
        this.#advertise(effect.priority);
        break;
      case "claimAddresses":
        this.#block(true);
        this.#addresses.claim();
        this.#entries.claim();
        if (cause.on === "resume") this.#announcements.resume();
        break;
      case "releaseAddresses":
        this.#entries.release();
        this.#addresses.release();
        this.#block(false);
        break;
      case "announce":
        this.#announcements.start(effect.block);
        if (cause.on === "advert") this.#deps.groups.announceOthers(this.key);
        break;
      case "announceSource":
        this.#announceSource();
        break;
      case "stopAnnouncing":
        this.#announcements.stop();
        break;
      case "arm":
        this.#arm(effect);
        break;
      case "disarm":
        this.#timers[effect.timer].disarm();
        break;
      case "count":
        this.#counters[effect.counter]++;
        break;
      case "log":
        this.#print(effect, cause);
        break;
      case "tellLowerPriority":
        this.#notice("lower-priority");
        break;
      case "transition":
        this.#tell(effect, next, cause);
        break;
      default:
        unreachable(effect);
    }
  }

  #retrack(next: Tracking): void {
    const changed = next.effective !== this.#tracking.effective;
    this.#tracking = next;
    if (changed) this.#notice("priority");
  }

  #notice(on: VrrpNotice["on"]): void {
    const { effective } = this.#tracking;
    this.#deps.onNotice?.({ on, instance: this.#config, state: stateName(this.#state), priority: effective });
  }

  /** The owner of the addresses always accepts (RFC 5798 §6.1). */
  #block(holding: boolean): void {
    const { name, accept, basePriority } = this.#config;
    const blocks = holding && !accept && basePriority !== OWNER;
    this.#deps.filter?.block(this.key, blocks ? this.#addresses.placed() : [], name);
  }

  #advertise(at: Priority): void {
    this.#advertiser.send(at);
    this.#counters.advert_sent++;
    if (at === 0) return;
    this.#lastAdvertSentAt = this.#deps.clock.now();
    this.#deps.onAdvertSent?.(this.key, this.#lastAdvertSentAt);
  }

  #announceSource(): void {
    const { source } = this.#surroundings;
    if (source !== undefined) this.#announcements.source(source);
  }

  #arm(effect: Extract<Effect, { do: "arm" }>): void {
    if (effect.timer === "masterDown") this.#readFirst = false;
    this.#timers[effect.timer].arm(effect.at);
  }

  /** Adverts are free of charge for whoever sends them: only transitions, which take time, are told without a limit. */
  #print({ level, event, sentence, detail }: LogEffect, cause: Event): void {
    if (detail && !this.#deps.log.detail) return;
    const fields = { instance: this.#config.name };
    if (cause.on === "advert" && event !== "vrrp.transition")
      this.#advertLog.write(event, level, event, sentence, fields);
    else this.#deps.log(level, event, sentence, fields);
  }

  #tell({ from, to, because }: Extract<Effect, { do: "transition" }>, next: State, cause: Event): void {
    const at = this.#deps.clock.now();
    this.#intake.forgetTold();
    this.#lastTransition = { at, because };
    this.#state = next; // whoever is told may ask for a snapshot
    this.#deps.onTransition({
      key: this.key,
      instance: this.#config,
      from,
      to: to === "STOP" ? this.#endsAs : to,
      priority: this.#tracking.effective,
      because,
      at,
    });
    this.#deps.groups.moved(this.key, to, because, cause.on === "addressLost");
  }
}

const heardOf = ({ source, priority, interval }: AdvertEvent) => ({ source, priority, intervalMs: interval });
