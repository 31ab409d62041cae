import { type Milliseconds, ms } from "../units.js";
import type { Mail } from "./mail.js";
import { MailDigest } from "./mail-digest.js";

/** A mail waits this long for others: one event has a mail or a few, and those are sent as they are. */
const GATHERING = ms(500);
/** More than this within that time is a storm, and becomes one mail. */
const FEW = 5;
/** A storm is over when nothing has come for so long. */
const QUIET = ms(3000);
/** It is told after so long at the latest; while it goes on after twice, four times that, up to the most. */
const LONGEST = ms(30_000);
const LONGEST_OF_ALL = ms(300_000);
/** Mails within a short time; after that one every `INTERVAL`. */
const BURST = 20;
const INTERVAL = ms(3000);

/** What goes next. */
export type NextMail =
  | { readonly kind: "mail"; readonly mail: Mail }
  | { readonly kind: "digest"; readonly digest: MailDigest };

/**
 * Mails of one sort that wait. A storm (thousands of real servers behind a broken switch) becomes one mail with a table instead of a
 * mail for each, and takes bounded memory; what is not a storm is sent as it is.
 */
export class MailBacklog {
  #waiting: Mail[] = [];
  /** Of `#waiting`, in milliseconds since 1970. */
  #times: number[] = [];
  /** Absent: no storm. Then nothing else waits. */
  #digest: MailDigest | undefined;
  #firstAt = ms(0);
  #lastAt = ms(0);
  #longest: Milliseconds = LONGEST;
  /** The storm had gone on when the last digest went. */
  #stormy: boolean = false;
  #tokens = BURST;
  #refilledAt: Milliseconds;

  constructor(now: Milliseconds) {
    this.#refilledAt = now;
  }

  /** @param time milliseconds since 1970, for tables */
  push(mail: Mail, now: Milliseconds, time: number): void {
    if (this.#isEmpty) {
      this.#firstAt = now;
      if (now - this.#lastAt >= QUIET) this.#calm();
    }
    this.#lastAt = now;
    if (this.#digest === undefined && this.#waiting.length === FEW) this.#gather();
    if (this.#digest !== undefined) {
      this.#digest.add(mail, time);
      return;
    }
    this.#waiting.push(mail);
    this.#times.push(time);
  }

  clear(): void {
    this.#waiting = [];
    this.#times = [];
    this.#digest = undefined;
  }

  /** When what waits may be sent; it may become later, never sooner. Undefined: nothing waits. */
  dueAt(now: Milliseconds): Milliseconds | undefined {
    if (this.#isEmpty) return undefined;
    this.#refill(now);
    const isStorm = this.#stormy || this.#digest !== undefined;
    const at = isStorm ? Math.min(this.#lastAt + QUIET, this.#firstAt + this.#longest) : this.#firstAt + GATHERING;
    return ms(Math.max(at, this.#tokens > 0 ? 0 : this.#refilledAt + INTERVAL));
  }

  /** Whether it is due or not. `single`: mails that are still few go as they are, however many went before. */
  take(now: Milliseconds, single = false): NextMail | undefined {
    if (this.#isEmpty) return undefined;
    this.#refill(now);
    const mail = single || this.#waiting.length <= this.#tokens ? this.#waiting.shift() : undefined;
    this.#tokens = Math.max(0, this.#tokens - 1);
    if (mail === undefined) return { kind: "digest", digest: this.#takeDigest(now) };
    this.#times.shift();
    return { kind: "mail", mail };
  }

  get #isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#digest === undefined;
  }

  #refill(now: Milliseconds): void {
    const whole = Math.floor((now - this.#refilledAt) / INTERVAL);
    this.#tokens = Math.min(BURST, this.#tokens + whole);
    this.#refilledAt = ms(this.#refilledAt + whole * INTERVAL);
  }

  #gather(): MailDigest {
    const digest = (this.#digest ??= new MailDigest());
    for (const [i, mail] of this.#waiting.entries()) digest.add(mail, this.#times[i] ?? 0);
    this.#waiting = [];
    this.#times = [];
    return digest;
  }

  #takeDigest(now: Milliseconds): MailDigest {
    const digest = this.#gather();
    this.#digest = undefined;
    if (now - this.#lastAt >= QUIET) this.#calm();
    else {
      this.#stormy = true;
      this.#longest = ms(Math.min(LONGEST_OF_ALL, this.#longest * 2));
    }
    return digest;
  }

  #calm(): void {
    this.#stormy = false;
    this.#longest = LONGEST;
  }
}
