import type { Milliseconds } from "../units.js";
import { ms } from "../units.js";
import { realServerKey } from "./names.js";
import { isAlive } from "./real-server.js";
import type { LiveServer } from "./virtual-server-state.js";

/**
 * When servers came and went, and quorums: 8 octets each, and only for virtual servers in which something ever changed. All others are
 * as they were when the first configuration was taken in.
 */
export class LastChanges {
  /** By group; one for each server, and the quorum's after them. */
  readonly #byGroup = new Map<number, Float64Array<ArrayBuffer>>();
  #began: Milliseconds = ms(0);

  begin(now: Milliseconds): void {
    this.#began = now;
  }

  server({ group }: LiveServer, server: number): Milliseconds {
    return ms(this.#byGroup.get(group)?.[server] ?? this.#began);
  }

  quorum({ group }: LiveServer): Milliseconds {
    return ms(this.#byGroup.get(group)?.at(-1) ?? this.#began);
  }

  serverChanged(live: LiveServer, server: number, now: Milliseconds): void {
    this.#timesOf(live)[server] = now;
  }

  quorumChanged(live: LiveServer, now: Milliseconds): void {
    const times = this.#timesOf(live);
    times[times.length - 1] = now;
  }

  forget({ group }: LiveServer): void {
    this.#byGroup.delete(group);
  }

  /** A reload changed a virtual server, or it is new. What is as before keeps its time. In steps of one server. */
  *succeed(before: LiveServer | undefined, after: LiveServer, now: Milliseconds): Generator<void> {
    const olds = new Map<string, number>();
    for (const [i, server] of (before?.context.config.realServers ?? []).entries()) {
      olds.set(realServerKey(server), i);
      yield;
    }
    const { realServers } = after.context.config;
    const times = new Float64Array(realServers.length + 1).fill(now);
    for (const [i, server] of realServers.entries()) {
      const old = olds.get(realServerKey(server));
      if (before !== undefined && old !== undefined && alive(before, old) === alive(after, i))
        times[i] = this.server(before, old);
      yield;
    }
    if (before?.state.quorum === after.state.quorum) times[realServers.length] = this.quorum(before);
    this.#byGroup.set(after.group, times);
  }

  #timesOf({ group, context }: LiveServer): Float64Array<ArrayBuffer> {
    let times = this.#byGroup.get(group);
    if (times === undefined) {
      times = new Float64Array(context.config.realServers.length + 1).fill(this.#began);
      this.#byGroup.set(group, times);
    }
    return times;
  }
}

function alive({ state }: LiveServer, server: number): boolean {
  const real = state.servers[server];
  return real !== undefined && isAlive(real);
}
