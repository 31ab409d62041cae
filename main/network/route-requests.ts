import type { Clock } from "../clock.js";
import type { Request } from "../netlink/connection.js";
import { NLMSG_NOOP, type Verdict } from "../netlink/reader.js";
import { ms } from "../units.js";
import { ENOBUFS } from "./address-errors.js";

type Send = (request: Request, done: (verdict: Verdict) => void) => void;

interface Asked {
  /** Grows with each request that is sent, repeated ones included. */
  readonly number: number;
  readonly request: Request;
  /** What it changes. Of several requests about one thing only the last may be repeated. */
  readonly subject: string;
  readonly done: (verdict: Verdict) => void;
  readonly retriesLeft: number;
}

/** An answer that was lost is asked for again this often; adding and deleting twice does no harm. */
const RETRIES = 3;
/** Acknowledged, and otherwise without effect. */
const noop: Request = { type: NLMSG_NOOP, encode: () => undefined };
/** A queue of 4 MiB is read in about 100 ms; a busy machine gets 5 s. */
const BARRIER_WAIT = ms(100);
const BARRIER_TRIES = 50;
const lost: Verdict = { errno: ENOBUFS, reason: "the answer was lost" };

/**
 * Requests whose answers are certain to come. From the moment its queue for us overflows until we have emptied it, the
 * kernel drops whatever it would put there: notifications and acknowledgements alike, and only the first drop is reported
 * (linux net/netlink/af_netlink.c, NETLINK_S_CONGESTED). Acknowledgements come in order, so one that is missing
 * when a later one arrives was dropped.
 */
export class RouteRequests {
  readonly #send: Send;
  readonly #clock: Clock;
  /** In the order in which they were sent. */
  readonly #unanswered = new Set<Asked>();
  #sent = 0;

  constructor(send: Send, clock: Clock) {
    this.#send = send;
    this.#clock = clock;
  }

  /** Sent when this returns. `done` is called once. */
  ask(subject: string, request: Request, done: (verdict: Verdict) => void): void {
    this.#ask({ number: 0, subject, request, done, retriesLeft: RETRIES });
  }

  /**
   * Resolves with true when everything that the kernel had queued for us before the call is read, and nothing is being
   * dropped any more; with false when that did not happen within 5 s.
   */
  barrier(): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: Disposable | undefined;
      let triesLeft = BARRIER_TRIES;
      const settle = (passed: boolean): void => {
        triesLeft = 0;
        timer?.[Symbol.dispose]();
        resolve(passed);
      };
      const attempt = (): void => {
        if (triesLeft === 0) {
          settle(false);
          return;
        }
        triesLeft -= 1;
        timer = this.#clock.after(BARRIER_WAIT, attempt);
        // Not by `ask`: when its answer is dropped, the next attempt follows.
        const sentBefore = this.#sent;
        this.#send(noop, ({ errno }) => {
          if (errno !== 0) return;
          this.#giveUp(sentBefore);
          settle(true);
        });
      };
      attempt();
    });
  }

  #ask(unnumbered: Asked): void {
    this.#sent += 1;
    const asked = { ...unnumbered, number: this.#sent };
    this.#unanswered.add(asked);
    this.#send(asked.request, (verdict) => {
      if (!this.#unanswered.delete(asked)) return; // given up, and answered late after all
      if (verdict.errno === ENOBUFS) {
        this.#retry(asked);
      } else {
        this.#giveUp(asked.number - 1);
        asked.done(verdict);
      }
    });
  }

  /** Something that was sent later than `number` has been answered: what is still unanswered gets no answer any more. */
  #giveUp(number: number): void {
    const dropped: Asked[] = [];
    for (const asked of this.#unanswered) {
      if (asked.number > number) break;
      dropped.push(asked);
    }
    for (const asked of dropped) if (this.#unanswered.delete(asked)) this.#retry(asked);
  }

  /** At once, so that the order of what was asked for is kept. Never behind a later request about the same thing. */
  #retry(asked: Asked): void {
    const outdated = [...this.#unanswered].some(({ subject }) => subject === asked.subject);
    if (outdated || asked.retriesLeft === 0) asked.done(lost);
    else this.#ask({ ...asked, retriesLeft: asked.retriesLeft - 1 });
  }
}
