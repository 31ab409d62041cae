import { type Milliseconds, ms } from "../units.js";
import type { Mail } from "./mail.js";

/** What is sent at once; after that one mail (a digest, if several wait) every `INTERVAL`. */
const BURST = 20;
const INTERVAL = ms(3000);
/** Mails that wait; beyond it the oldest about health is given up, then the oldest. */
const WAITING_MAX = 100;

interface Waiting {
  readonly mail: Mail;
  /** ISO 8601, of the event and not of the mail. */
  readonly at: string;
}

/** The next thing to do: send a mail now, wait for so long, or nothing until the next `push`. */
export type NextMail =
  | { readonly kind: "send"; readonly mail: Mail }
  | { readonly kind: "wait"; readonly delay: Milliseconds }
  | { readonly kind: "idle" };

/**
 * Mails that wait for the one connection to the mail server. A storm (hundreds of real servers behind a broken switch)
 * becomes few mails that list many events, instead of a mail for each, and takes bounded memory.
 */
export class MailBacklog {
  readonly #waiting: Waiting[] = [];
  #dropped = 0;
  #tokens = BURST;
  #refilledAt: Milliseconds;

  constructor(now: Milliseconds) {
    this.#refilledAt = now;
  }

  get size(): number {
    return this.#waiting.length;
  }

  push(mail: Mail, at: string): void {
    this.#waiting.push({ mail, at });
    if (this.#waiting.length <= WAITING_MAX) return;
    const oldest = this.#waiting.findIndex((each) => each.mail.about === "health");
    this.#waiting.splice(Math.max(0, oldest), 1);
    this.#dropped += 1;
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#dropped = 0;
  }

  /** `routerId`: for the subject of a digest. */
  next(now: Milliseconds, routerId: string): NextMail {
    this.#refill(now);
    const first = this.#waiting[0];
    if (first === undefined) return { kind: "idle" };
    if (this.#tokens < 1) return { kind: "wait", delay: ms(INTERVAL - (now - this.#refilledAt)) };
    const single = this.#waiting.length <= this.#tokens && this.#dropped === 0;
    this.#tokens -= 1;
    if (!single && this.#waiting.length > 1) return { kind: "send", mail: this.#digest(routerId) };
    this.#waiting.shift();
    return { kind: "send", mail: first.mail };
  }

  #refill(now: Milliseconds): void {
    const whole = Math.floor((now - this.#refilledAt) / INTERVAL);
    this.#tokens = Math.min(BURST, this.#tokens + whole);
    this.#refilledAt = ms(this.#refilledAt + whole * INTERVAL);
  }

  #digest(routerId: string): Mail {
    const all = this.#waiting.splice(0);
    const lost = this.#dropped === 0 ? [] : [`${this.#dropped} more alerts came too fast and are not listed here.`, ""];
    this.#dropped = 0;
    const lines = all.map(({ mail, at }) => `${at} ${mail.subject}\r\n    ${mail.body}`);
    const about = all.some(({ mail }) => mail.about === "vrrp") ? "vrrp" : "health";
    return { about, subject: `[${routerId}] ${all.length} alerts`, body: [...lost, ...lines].join("\r\n") };
  }
}
