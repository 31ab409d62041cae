import type { CheckEdge } from "../../workers/protocol.js";
import { type CheckId, ms } from "../units.js";
import type { ServerCheckSpec } from "./director.js";

type State = "up" | "down";

/** Checks that nobody runs, because they only listen to a BFD session: the pool does not get them. */
export class FollowedChecks {
  readonly #byId = new Map<CheckId, { readonly session: string; told: State | undefined }>();
  /** As they were last told of, with or without a check that listens. */
  readonly #sessions = new Map<string, State>();

  /** Keeps those, and lets all others through. */
  *others(added: Iterable<ServerCheckSpec>): Generator<ServerCheckSpec> {
    for (const spec of added) {
      const { id, check } = spec;
      if (check.type === "BFD_CHECK") this.#byId.set(id, { session: check.name, told: undefined });
      else yield spec;
    }
  }

  forget(removed: Iterable<CheckId>): void {
    for (const id of removed) this.#byId.delete(id);
  }

  /** What the state of a session means for its checks; nothing where they know. */
  edges(session: string, state: State): readonly CheckEdge[] {
    this.#sessions.set(session, state);
    return this.#tell((check) => (check.session === session ? state : undefined));
  }

  /** For checks that have rested: their sessions may have changed meanwhile, and tell nobody twice. */
  missed(): readonly CheckEdge[] {
    return this.#tell(({ session, told }) => (told === undefined ? this.#sessions.get(session) : undefined));
  }

  #tell(stateFor: (check: { readonly session: string; readonly told: State | undefined }) => State | undefined) {
    const edges: CheckEdge[] = [];
    for (const [id, check] of this.#byId) {
      const state = stateFor(check);
      if (state === undefined || check.told === state) continue;
      check.told = state;
      const up = state === "up";
      edges.push({ id, up, outcome: up ? "up" : "unreachable", retries: 0, latency: ms(0), status: 0 });
    }
    return edges;
  }
}
