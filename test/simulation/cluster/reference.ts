import type { IpAddress } from "../../../main/address.js";

/** What one virtual router is configured to be, in the words of RFC 5798 §6.1. */
export interface Spec {
  readonly version: 2 | 3;
  /** 255: the owner, which starts as MASTER. */
  readonly priority: number;
  readonly interval: number;
  readonly preempt: boolean;
  readonly preemptDelay: number;
  readonly scriptWeight: number | undefined;
  readonly lowerPrioNoAdvert: boolean;
  readonly higherPrioSendAdvert: boolean;
  readonly addresses: readonly IpAddress[];
  readonly garpDelay: number;
  /** Last octet of the address that its adverts come from. */
  readonly host: number;
}

/** What the process has been told of its host. */
export interface Senses {
  carrier: boolean;
  own: boolean;
  script: "init" | "up" | "down";
}

export interface HeardAdvert {
  readonly priority: number;
  readonly interval: number;
  readonly host: number;
}

export type Role = "INIT" | "BACKUP" | "MASTER" | "FAULT" | "STOP";

const OWNER = 255;
/** An address that we deleted ourselves less than this ago is put back in silence. */
const OWN_DELETION_MS = 1000;

export function effectivePriority({ priority, scriptWeight = 0 }: Spec, { script }: Senses): number {
  if (priority === OWNER) return priority;
  const counts = script === (scriptWeight > 0 ? "up" : "down");
  return Math.min(254, Math.max(1, priority + (counts ? scriptWeight : 0)));
}

const isFaulty = ({ scriptWeight }: Spec, { carrier, own, script }: Senses): boolean =>
  !carrier || !own || (scriptWeight === 0 && script === "down");

const isWaiting = ({ scriptWeight }: Spec, { script }: Senses): boolean => scriptWeight === 0 && script === "init";

/** Skew_Time: RFC 3768 §6.1 for version 2, RFC 5798 §6.1 for version 3. */
export const skewOf = (version: 2 | 3, priority: number, masterInterval: number): number =>
  ((256 - priority) / 256) * (version === 2 ? 1000 : masterInterval);

export const masterDownOf = (version: 2 | 3, priority: number, masterInterval: number): number =>
  3 * masterInterval + skewOf(version, priority, masterInterval);

/**
 * What a virtual router ought to do, told from outside and written from the RFCs and keepalived.conf(5) alone: it shares
 * no code with the real one, keeps no timers, and only says which role is due when. Times are those of the router's host.
 */
export class Reference {
  spec: Spec;
  readonly #senses: Senses;
  role: Role = "INIT";
  /** BACKUP: when it may and must take over. */
  due = 0;
  /** MASTER: when the next advert goes out. */
  advertDue = 0;
  priority: number;
  /** Two owners of one address: a mistake for which no rule says what happens, only that it ends. */
  unsure: boolean = false;
  /** BACKUP: its time has come, and nobody it follows has been heard since. The others of its sync group may keep it back. */
  reached: boolean = false;
  /** The other members of its sync group: they change their roles together. */
  mates: readonly Reference[] = [];
  #masterInterval: number;
  #preemptAt: number | undefined;
  readonly #deletedAt = new Map<IpAddress, number>();

  constructor(spec: Spec, senses: Senses) {
    this.spec = spec;
    this.#senses = senses;
    this.priority = effectivePriority(spec, senses);
    this.#masterInterval = spec.interval;
  }

  /** Nothing keeps it from taking part. */
  get isAble(): boolean {
    return this.role !== "STOP" && !this.#isFaulty && !this.#isWaiting;
  }

  /** It has a fault that is not only another member's. */
  get hasOwnFault(): boolean {
    return isFaulty(this.spec, this.#senses);
  }

  /** When the last member's time comes. */
  get groupDue(): number {
    return Math.max(...this.#group.map(({ due }) => due));
  }

  get #group(): readonly Reference[] {
    return [this, ...this.mates];
  }

  get #isFaulty(): boolean {
    return this.#group.some((one) => one.hasOwnFault);
  }

  get #isWaiting(): boolean {
    return this.#group.some(({ spec }) => isWaiting(spec, this.#senses));
  }

  /** @returns how many adverts go out now */
  boot(now: number, resumes: boolean): number {
    if (this.#isFaulty) this.role = "FAULT";
    else if (resumes) return this.#lead(now);
    else if (!this.#isWaiting) return this.#begin(now);
    return 0;
  }

  hear(advert: HeardAdvert, now: number): number {
    if (this.priority === OWNER && advert.priority === OWNER) for (const one of this.#group) one.unsure = true;
    if (this.role === "BACKUP") this.#hearAsBackup(advert, now);
    return this.role === "MASTER" ? this.#hearAsMaster(advert, now) : 0;
  }

  /** The senses have changed. */
  sense(now: number): number {
    const before = this.priority;
    this.priority = effectivePriority(this.spec, this.#senses);
    if (this.role === "STOP") return 0;
    if (this.#isFaulty) this.role = "FAULT";
    else if (this.role === "BACKUP") this.#shift(now, before, this.spec, this.#masterInterval);
    else if (this.role !== "MASTER" && !this.#isWaiting) return this.#begin(now);
    return 0;
  }

  /** @param changed whether anything of the configuration did */
  reload(spec: Spec, changed: boolean, now: number): number {
    if (!changed) return 0;
    const before = { spec: this.spec, priority: this.priority, masterInterval: this.#masterInterval };
    const learned = spec.version === 3 && this.#masterInterval !== before.spec.interval;
    if (!learned) this.#masterInterval = spec.interval;
    if (!spec.preempt || spec.preemptDelay === 0) this.#preemptAt = undefined;
    this.spec = spec;
    this.priority = effectivePriority(spec, this.#senses);
    if (this.role === "BACKUP") this.#shift(now, before.priority, before.spec, before.masterInterval);
    if (this.role !== "MASTER") return 0;
    this.advertDue = now + spec.interval;
    return 1;
  }

  /** A virtual address is gone from the host. @returns whether it is no MASTER any more */
  lose(address: IpAddress, now: number): boolean {
    if (this.role !== "MASTER" || !this.spec.addresses.includes(address)) return false;
    if (now - (this.#deletedAt.get(address) ?? Number.NEGATIVE_INFINITY) < OWN_DELETION_MS) return false;
    for (const one of this.#group) {
      if (one.role === "MASTER") one.#follow(now, skewOf(one.spec.version, one.priority, one.spec.interval));
    }
    return true;
  }

  deleted(address: IpAddress, now: number): void {
    this.#deletedAt.set(address, now);
  }

  stop(): void {
    this.role = "STOP";
  }

  /** Its time has come. */
  takeOver(now: number): void {
    this.#lead(now);
  }

  /** The advert timer: missed adverts are not made up for, and the rhythm stays. */
  beat(now: number): void {
    const next = this.advertDue + this.spec.interval;
    this.advertDue = next > now ? next : now + this.spec.interval;
  }

  #begin(now: number): number {
    if (this.#group.every(({ spec }) => spec.priority === OWNER)) return this.#lead(now);
    this.#follow(now, this.#ownMasterDown());
    return 0;
  }

  #lead(now: number): number {
    this.role = "MASTER";
    this.advertDue = now + this.spec.interval;
    return 1;
  }

  #ownMasterDown(): number {
    return masterDownOf(this.spec.version, this.priority, this.spec.interval);
  }

  #follow(now: number, wait: number, masterInterval = this.spec.interval): void {
    this.role = "BACKUP";
    this.reached = false;
    this.#masterInterval = masterInterval;
    this.due = now + wait;
    this.#preemptAt = undefined;
  }

  /** What has been waited for stays waited for; what would have ended already ends now. */
  #shift(now: number, oldPriority: number, oldSpec: Spec, oldInterval: number): void {
    const { version } = this.spec;
    const change =
      masterDownOf(version, this.priority, this.#masterInterval) -
      masterDownOf(oldSpec.version, oldPriority, oldInterval);
    this.due = Math.max(now, this.due + change);
  }

  /** RFC 5798 §6.4.2, with nopreempt and preempt_delay. */
  #hearAsBackup({ priority, interval }: HeardAdvert, now: number): void {
    const { version, preempt, preemptDelay } = this.spec;
    if (priority === 0) {
      this.due = now + skewOf(version, this.priority, this.#masterInterval);
      return;
    }
    const weaker = priority < this.priority;
    const delayed = preemptDelay > 0 && (this.#preemptAt === undefined || now < this.#preemptAt);
    if (weaker && preempt && !delayed) return;
    this.#masterInterval = version === 3 ? interval : this.spec.interval;
    this.due = now + masterDownOf(version, this.priority, this.#masterInterval);
    this.reached = false;
    if (!weaker) this.#preemptAt = undefined;
    else if (preemptDelay > 0) this.#preemptAt ??= now + preemptDelay;
  }

  /** RFC 5798 §6.4.3. */
  #hearAsMaster({ priority, interval, host }: HeardAdvert, now: number): number {
    const stronger = priority > this.priority || (priority === this.priority && host > this.spec.host);
    if (stronger) {
      const learned = this.spec.version === 3 ? interval : this.spec.interval;
      this.#follow(now, masterDownOf(this.spec.version, this.priority, learned), learned);
      for (const mate of this.mates) if (mate.role === "MASTER") mate.#follow(now, mate.#ownMasterDown());
      return this.spec.higherPrioSendAdvert ? 1 : 0;
    }
    if (priority > 0 && this.spec.lowerPrioNoAdvert) return 0;
    this.advertDue = now + this.spec.interval;
    return 1;
  }
}
