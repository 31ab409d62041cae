import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import { type Milliseconds, ms, type Priority } from "../units.js";
import { unreachable } from "../unreachable.js";
import { AddressHolder } from "./address-holder.js";
import { AdvertLog } from "./advert-log.js";
import { Advertiser } from "./advertiser.js";
import { Announcements } from "./announcements.js";
import { type Counters, zeroCounters } from "./counters.js";
import { Deadline } from "./deadline.js";
import type { InstanceDeps, Resumption } from "./instance-types.js";
import { Intake } from "./intake.js";
import { step } from "./machine.js";
import type { Effect, Event, LogEffect, State } from "./machine-types.js";
import type { ReceivedAdvert } from "./packet.js";
import type { InterfaceAddress } from "./ports.js";
import { snapshotOf, type VrrpSnapshot } from "./snapshot.js";
import { Surroundings } from "./surroundings.js";
import { nextDeadline } from "./timers.js";
import type { Tracking } from "./tracking.js";
import { WireState } from "./wire-state.js";

/** A timer this late means that we were stalled: adverts may wait unread in the socket, so they are read first. */
const STALL: Milliseconds = ms(10);
/** Long enough for one turn of the event loop. */
const READ_FIRST: Milliseconds = ms(1);
/** design.md: an instance resumes as MASTER only within this many intervals of its last advert. */
const RESUME_INTERVALS = 2;

/** The shell of one virtual router: feeds the reducer and performs its effects. */
export class Instance {
  readonly key: string;
  readonly #deps: InstanceDeps;
  #config: VrrpInstanceConfig;
  #group: IpAddress;
  #state: State = { at: "init" };
  #tracking: Tracking;
  #lastTransition: VrrpSnapshot["lastTransition"];
  #lastAdvertSentAt: Milliseconds | undefined;
  #endsAs: "STOP" | "FAULT" = "STOP";
  #busy: boolean = false;
  #readFirst: boolean = false;
  readonly #counters: Counters = zeroCounters();
  readonly #events: Event[] = [];
  readonly #advertiser: Advertiser;
  readonly #surroundings: Surroundings;
  readonly #intake: Intake;
  readonly #wire = new WireState();
  readonly #advertLog: AdvertLog;
  readonly #addresses: AddressHolder;
  readonly #announcements: Announcements;
  readonly #timers: Readonly<Record<"advert" | "masterDown" | "rogue", Deadline>>;

  /** @param group the multicast group, not used by unicast instances */
  constructor(key: string, config: VrrpInstanceConfig, group: IpAddress, deps: InstanceDeps) {
    this.key = key;
    this.#deps = deps;
    this.#config = config;
    this.#group = group;
    this.#tracking = { effective: config.basePriority, faults: [], waiting: [], contributions: [] };
    this.#advertLog = new AdvertLog(deps.log, deps.clock);
    this.#intake = new Intake(this.#counters, this.#advertLog);
    this.#advertiser = new Advertiser(deps, this.#wire, (advert) => this.#receive(advert));
    this.#surroundings = new Surroundings(deps, this.#advertiser, () => this.refresh());
    this.#addresses = new AddressHolder(config, deps);
    this.#announcements = new Announcements(key, config, deps.clock, deps.garp, deps.log, this.#advertLog);
    this.#timers = {
      advert: new Deadline(deps.clock, (at) => this.#onAdvertTimer(at)),
      masterDown: new Deadline(deps.clock, (at) => this.#onMasterDown(at)),
      rogue: new Deadline(deps.clock, () => this.#dispatch({ on: "rogueTimer" })),
    };
  }

  /** @param heldByOthers addresses (AddressHolder keys) that must not be touched */
  start(resumption: Resumption | undefined, heldByOthers: (key: string) => boolean): void {
    this.#tracking = this.#surroundings.look(this.#config, this.#group);
    const last = resumption?.state === "MASTER" ? resumption.lastAdvertBootMs : Number.NEGATIVE_INFINITY;
    const fresh = this.#deps.clock.now() - last <= RESUME_INTERVALS * this.#config.advertInterval;
    const resumes = fresh && this.#tracking.faults.length === 0;
    if (!resumes) this.#addresses.forceRelease(heldByOthers);
    this.#lastTransition = { at: this.#deps.clock.now(), because: resumes ? "resumed after a restart" : "start" };
    this.#dispatch({ on: resumes ? "resume" : "start" });
    this.#surroundings.settle(this.#config);
  }

  /** Looks at the host again: links, addresses, scripts. Nothing happens when nothing changed. */
  refresh(): void {
    if (this.#state.at === "init" || this.#state.at === "stopped") return;
    this.#dispatch({ on: "tracking", next: this.#surroundings.look(this.#config, this.#group) });
    this.#surroundings.settle(this.#config);
  }

  addressGone(gone: InterfaceAddress): void {
    const what = this.#addresses.lost(gone);
    if (what !== undefined) this.#dispatch({ on: "addressLost", what });
  }

  holds(addressKey: string): boolean {
    return this.#addresses.holds(addressKey);
  }

  /** Reload: state and counters stay, differences are applied. */
  reconfigure(config: VrrpInstanceConfig, group: IpAddress): void {
    const holding = this.#state.at === "master";
    const before = this.#config;
    const added = this.#addresses.reconfigure(config, holding);
    this.#announcements.reconfigure(config);
    this.#config = config;
    this.#group = group;
    this.refresh();
    this.#dispatch({ on: "reconfigured", before });
    if (this.#state.at === "master" && added.length > 0) this.#announcements.added(added);
  }

  /** @param release false: addresses stay for the next daemon and no farewell is sent */
  stop(release: boolean, endsAs: "STOP" | "FAULT"): void {
    this.#endsAs = endsAs;
    this.#dispatch({ on: "shutdown", release });
    for (const timer of Object.values(this.#timers)) timer.disarm();
    this.#announcements.stop();
    this.#surroundings[Symbol.dispose]();
  }

  clearCounters(): void {
    Object.assign(this.#counters, zeroCounters());
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
      lastAdvertSentAt: this.#lastAdvertSentAt,
    };
    return snapshotOf(plain, this.#state, this.#tracking, (address) => this.#addresses.isSet(address));
  }

  /** @returns whether it was of use */
  #receive(advert: ReceivedAdvert): boolean {
    const { source } = this.#surroundings;
    if (source === undefined) return false;
    const event = this.#intake.judge(advert, {
      config: this.#config,
      state: this.#state,
      tracking: this.#tracking,
      source,
      group: this.#group,
      wire: this.#wire,
      wallClock: this.#deps.wallClock,
    });
    if (event !== undefined) this.#dispatch(event);
    return event !== undefined;
  }

  /** Steady path: in MASTER the reducer's answer is always this, so nothing is built for it. */
  #onAdvertTimer(at: Milliseconds): void {
    if (this.#state.at !== "master") return;
    this.#advertise(this.#tracking.effective);
    this.#timers.advert.arm(nextDeadline(at, this.#config.advertInterval, this.#deps.clock.now()));
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
    const context = { config: this.#config, tracking: this.#tracking, now: this.#deps.clock.now() };
    const { state, effects } = step(context, this.#state, event);
    if (event.on === "tracking") this.#tracking = event.next;
    for (const effect of effects) this.#perform(effect, state, event);
    this.#state = state;
    this.#announcements.tell();
  }

  #perform(effect: Effect, next: State, cause: Event): void {
    switch (effect.do) {
      case "advertise":
        this.#advertise(effect.priority);
        break;
      case "claimAddresses":
        this.#addresses.claim();
        break;
      case "releaseAddresses":
        this.#addresses.release();
        break;
      case "announce":
        this.#announcements.start(effect.block);
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
      case "transition":
        this.#tell(effect, next);
        break;
      default:
        unreachable(effect);
    }
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

  #tell({ from, to, because }: Extract<Effect, { do: "transition" }>, next: State): void {
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
  }
}
