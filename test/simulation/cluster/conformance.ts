import type { IpAddress } from "../../../main/address.js";
import type { Cause } from "./event-loop.js";
import type { HeardAdvert, Reference, Role, Spec } from "./reference.js";

/** A rule that was broken. The names are what faults.test.ts and people see. */
export type Rule =
  | "took over too early"
  | "took over too late"
  | "wrong role"
  | "wrong number of adverts"
  | "advert out of time"
  | "advert missing"
  | "advert with wrong contents"
  | "wrong number of farewells"
  | "actions out of order"
  | "address on a non-master"
  | "master without its address"
  | "announces what it does not have"
  | "does not announce"
  | "transition not told rightly"
  | "timers doubled or lost"
  | "sync group not together"
  | "something is left after the end"
  | "two masters"
  | "no master"
  | "wrong master"
  | "failover out of time"
  | "never comes to rest"
  | "threw an error";

export type Report = (rule: Rule, what: string) => void;

const EPSILON_MS = 1e-3;
/** After a stall the socket is read before a timer is believed: one millisecond. */
const LATE_MS = 1.5;

/** What one virtual router does in a turn of its process, in order: see `note`. */
type Action = "advert" | "farewell" | "add" | "delete" | "announce" | "tell";
const letters = { advert: "A", farewell: "Z", add: "+", delete: "-", announce: "G", tell: "T" } as const;

/** The orders that are right. Peers stop before hosts move; nobody is told before it is so. Keys: from, to. */
const orders = {
  "became master": /^-*A\+*G*T$/,
  resumed: /^A\+*$/,
  "gave way": /^A?-*T$/,
  "lost an address": /^Z-*T$/,
  "went to fault": /^ZZ-*T$/,
  "shared a fault": /^Z-*T$/,
  stopped: /^Z-*T$/,
  "stopped and left everything": /^T$/,
  stayed: /^[-+G]*A?[-+G]*$/,
  "moved without addresses": /^-*T$/,
} as const satisfies Record<string, RegExp>;
type Move = keyof typeof orders;

/** Holds one real virtual router against the reference, turn by turn. */
export class Conformance {
  readonly reference: Reference;
  readonly #report: Report;
  readonly #onRole: (role: Role) => void;
  /** What the real one is, by what it told. */
  is: Role = "INIT";
  #was: Role = "INIT";
  #actions = "";
  #adverts = 0;
  #farewells = 0;
  /** How many adverts are due; undefined: as the advert timer has it. */
  #wanted: number | undefined;
  #move: Move | undefined;
  #resumed: boolean = false;

  constructor(reference: Reference, report: Report, onRole: (role: Role) => void) {
    this.reference = reference;
    this.#report = report;
    this.#onRole = onRole;
  }

  turnBegins(): void {
    this.#was = this.is;
    this.#actions = "";
    this.#adverts = 0;
    this.#farewells = 0;
    this.#wanted = undefined;
    this.#move = undefined;
  }

  booted(now: number, resumes: boolean): void {
    this.#wanted = this.reference.boot(now, resumes);
    this.#resumed = this.reference.role === "MASTER" && resumes;
    if (this.#resumed) this.#become("MASTER");
  }

  heard(advert: HeardAdvert, now: number): void {
    this.#wanted = this.reference.hear(advert, now);
  }

  sensed(now: number): void {
    this.#wanted = this.reference.sense(now);
  }

  reloaded(spec: Spec, changed: boolean, now: number): void {
    this.#wanted = this.reference.reload(spec, changed, now);
  }

  /** @returns whether it is no MASTER any more */
  lost(address: IpAddress, now: number): boolean {
    this.#wanted = 0;
    const left = this.reference.lose(address, now);
    if (left) this.#move = "lost an address";
    return left;
  }

  /** Another member of its sync group lost an address. */
  followed(): void {
    if (this.is === "MASTER") this.#move = "lost an address";
  }

  stopped(release: boolean): void {
    this.#wanted = 0;
    if (this.is === "MASTER") this.#move = release ? "stopped" : "stopped and left everything";
    this.reference.stop();
  }

  /** An advert of ours is on its way. */
  sent(priority: number, interval: number): void {
    const { reference } = this;
    this.#note(priority === 0 ? "farewell" : "advert");
    if (priority === 0) this.#farewells++;
    else this.#adverts++;
    const rightPriority = priority === 0 || priority === reference.priority || reference.unsure;
    if (rightPriority && interval === reference.spec.interval) return;
    this.#report("advert with wrong contents", `priority ${priority}, interval ${interval} ms`);
  }

  added(): void {
    this.#note("add");
  }

  deleted(address: IpAddress, was: boolean, now: number): void {
    this.reference.deleted(address, now);
    if (was) this.#note("delete");
  }

  announced(): void {
    this.#note("announce");
    if (this.is !== "MASTER" && this.reference.role !== "MASTER" && !this.#actions.startsWith("A"))
      this.#report("announces what it does not have", `as ${this.is}`);
  }

  told(from: Role, to: Role): void {
    this.#note("tell");
    if (from !== this.is || from === to) this.#report("transition not told rightly", `${from} to ${to} as ${this.is}`);
    this.#become(to);
  }

  /**
   * @param awakeSince before that nothing could be done
   * @param holds whether an address is on the host; undefined: it was stolen a moment ago
   */
  turnEnds(cause: Cause, now: number, awakeSince: number, holds: (address: IpAddress) => boolean | undefined): void {
    const { reference } = this;
    if (this.is === "MASTER" && reference.role === "BACKUP" && this.#was === "BACKUP" && this.#move === undefined) {
      if (now < reference.due - EPSILON_MS && !reference.unsure && !reference.reached)
        this.#report("took over too early", early(reference.due - now));
      reference.takeOver(now);
      this.#wanted = 1;
    }
    if (this.is === "BACKUP" && now >= reference.due - EPSILON_MS) reference.reached = true;
    this.#checkRole(now, awakeSince);
    if (!reference.unsure) {
      this.#checkAdverts(cause, now, awakeSince);
      this.#checkOrder();
    }
    this.#checkAddresses(holds);
  }

  /** Timers of the process that are this instance's: at least and at most. */
  timers(): [least: number, most: number] {
    if (this.is === "BACKUP") return [1, 1];
    if (this.is !== "MASTER") return [0, 0];
    const { spec, unsure } = this.reference;
    return [1, 1 + (spec.garpDelay > 0 ? 1 : 0) + (unsure ? 1 : 0)];
  }

  #become(role: Role): void {
    this.is = role;
    this.#onRole(role);
  }

  #note(action: Action): void {
    this.#actions += letters[action];
  }

  #checkRole(now: number, awakeSince: number): void {
    const { reference, is } = this;
    if (reference.unsure) {
      reference.role = is;
      reference.due = Number.POSITIVE_INFINITY;
      return;
    }
    if (is !== reference.role) this.#report("wrong role", `is ${is} and ought to be ${reference.role}`);
    else if (is === "BACKUP" && now > Math.max(reference.groupDue, awakeSince) + LATE_MS)
      this.#report(
        "took over too late",
        `${(now - reference.groupDue).toFixed(3)} ms after its time it is still BACKUP`,
      );
    reference.role = is;
  }

  #checkAdverts(cause: Cause, now: number, awakeSince: number): void {
    const { reference } = this;
    const beats = this.#was === "MASTER" && this.is === "MASTER" && this.#wanted === undefined;
    if (beats) this.#checkBeat(cause, now);
    else if (this.#adverts !== (this.#wanted ?? 0))
      this.#report("wrong number of adverts", `${this.#adverts} instead of ${this.#wanted ?? 0} as ${this.is}`);
    if (this.is === "MASTER" && now > Math.max(reference.advertDue, awakeSince) + LATE_MS)
      this.#report("advert missing", `${(now - reference.advertDue).toFixed(3)} ms after its time`);
    const farewells = this.#was === "MASTER" ? farewellsOf(this.#moveOf()) : 0;
    if (this.#farewells !== farewells)
      this.#report("wrong number of farewells", `${this.#farewells} instead of ${farewells} when it ${this.#moveOf()}`);
  }

  #checkBeat(cause: Cause, now: number): void {
    if (this.#adverts === 0) return;
    const { reference } = this;
    const inTime = cause === "timer" && this.#adverts === 1 && now >= reference.advertDue - EPSILON_MS;
    if (!inTime) this.#report("advert out of time", `${this.#adverts}, ${early(reference.advertDue - now)}`);
    reference.beat(now);
  }

  #checkOrder(): void {
    if (this.#actions === "" || this.#actions === "A") return;
    const move = this.#moveOf();
    if (!orders[move].test(this.#actions)) this.#report("actions out of order", `${move}: ${this.#actions}`);
    if (move !== "became master") return;
    const { addresses } = this.reference.spec;
    const announced = this.#actions.split("G").length - 1;
    if (announced !== addresses.length)
      this.#report("does not announce", `${announced} of ${addresses.length} addresses`);
  }

  #moveOf(): Move {
    if (this.#move !== undefined) return this.#move;
    if (this.#was !== "MASTER" && this.is === "MASTER")
      return this.#resumed && this.#was === "INIT" ? "resumed" : "became master";
    if (this.#was === this.is) return "stayed";
    if (this.#was !== "MASTER") return "moved without addresses";
    if (this.is !== "FAULT") return "gave way";
    return this.reference.hasOwnFault ? "went to fault" : "shared a fault";
  }

  #checkAddresses(holds: (address: IpAddress) => boolean | undefined): void {
    const master = this.is === "MASTER";
    for (const address of this.reference.spec.addresses) {
      const held = holds(address);
      if (held === undefined || held === master || this.#move === "stopped and left everything") continue;
      if (master) this.#report("master without its address", address);
      else this.#report("address on a non-master", `${address} on a host that is ${this.is}`);
    }
  }
}

function farewellsOf(move: Move): number {
  if (move === "went to fault") return 2;
  return move === "stopped" || move === "lost an address" || move === "shared a fault" ? 1 : 0;
}

const early = (by: number): string => `${by.toFixed(3)} ms early`;
