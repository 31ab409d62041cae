import type { Clock } from "../clock.js";
import type { Request } from "../netlink/connection.js";
import type { Verdict } from "../netlink/reader.js";
import type { RouteConnection } from "./host-network.js";
import { RouteRequests } from "./route-requests.js";

/** A connection whose sending is done by another thread (aside-socket.ts). */
export interface AsideConnection {
  readonly connection: Pick<RouteConnection, "request"> & Disposable;
  /** Text for a file below /proc/sys/net, in line with the requests. */
  readonly write: (path: string, text: string) => Promise<unknown>;
}

/**
 * Requests that keep the kernel busy for long, carried out by another thread in their order. The answer comes when what the kernel has
 * told everybody about it is known here as well: that comes by another socket.
 */
export class AsideRequests implements Disposable {
  readonly #aside: AsideConnection;
  readonly #requests: RouteRequests;
  readonly #caughtUp: () => Promise<unknown>;
  #answers: (() => void)[] = [];
  #answering: boolean = false;

  /** @param caughtUp resolves when all is read that was told before the call */
  constructor(aside: AsideConnection, caughtUp: () => Promise<unknown>, clock: Clock) {
    this.#aside = aside;
    this.#requests = new RouteRequests((request, done) => aside.connection.request(request, done), clock);
    this.#caughtUp = caughtUp;
  }

  ask(subject: string, request: Request, done: (verdict: Verdict) => void): void {
    this.#requests.ask(subject, request, (verdict) => {
      this.#answers.push(() => done(verdict));
      if (this.#answering) return;
      this.#answering = true;
      setImmediate(() => void this.#answer());
    });
  }

  write(path: string, text: string): Promise<unknown> {
    return this.#aside.write(path, text);
  }

  /** All of one turn together; those that come while it is being read wait for the next reading. */
  async #answer(): Promise<void> {
    while (this.#answers.length > 0) {
      const answers = this.#answers;
      this.#answers = [];
      await this.#caughtUp();
      for (const answer of answers) answer();
    }
    this.#answering = false;
  }

  [Symbol.dispose](): void {
    this.#aside.connection[Symbol.dispose]();
  }
}
