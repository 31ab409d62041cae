import type { CheckConfig } from "../config/model.js";
import { type CheckId, checkId } from "../units.js";
import { partByEnd, partByRange, WideMap } from "../wide-map.js";
import type { LiveServer } from "./virtual-server-state.js";

/** One place in the configuration that wants to hear of a check. Indices into the configuration's lists. */
export interface CheckUser {
  readonly live: LiveServer;
  readonly server: number;
  readonly checker: number;
}

/** A check that is run once, for everybody who asked for the same. */
export interface RegisteredCheck {
  readonly id: CheckId;
  readonly identity: string;
  readonly check: CheckConfig;
  readonly users: CheckUser[];
}

/** What a reload means for those who run the checks. */
export interface CheckChanges {
  readonly added: readonly RegisteredCheck[];
  readonly removed: readonly RegisteredCheck[];
}

/**
 * The checks of the configuration, each once. Ids live as long as the check is configured and are never used again, so that a
 * late message about a check that is gone cannot be taken for another one. At a reload what is new is added before what is gone
 * is removed: equal checks keep their ids.
 */
export class CheckRegistry {
  readonly #byId = new WideMap<CheckId, RegisteredCheck>(partByRange);
  /** More than one where the same is checked at different times. */
  readonly #byIdentity = new WideMap<string, RegisteredCheck[]>(partByEnd);
  #nextId = 1;
  #added: RegisteredCheck[] = [];
  #removed: RegisteredCheck[] = [];

  /** Takes note that `user` wants `check`. */
  add(check: CheckConfig, identity: string, user: CheckUser): RegisteredCheck {
    const runs = this.#byIdentity.get(identity);
    let registered = runs?.find((run) => isSameRun(run.check, check));
    if (registered === undefined) {
      registered = { id: checkId(this.#nextId++), identity, check, users: [] };
      if (runs === undefined) this.#byIdentity.set(identity, [registered]);
      else runs.push(registered);
      this.#byId.set(registered.id, registered);
      this.#added.push(registered);
    }
    registered.users.push(user);
    return registered;
  }

  /** That place does not exist any more. A check that nobody wants is forgotten. */
  remove(registered: RegisteredCheck, live: LiveServer, server: number): void {
    const { id, identity, users } = registered;
    const index = users.findIndex((user) => user.live === live && user.server === server);
    if (index >= 0) users.splice(index, 1);
    if (users.length > 0 || !this.#byId.delete(id)) return;
    const others = this.#byIdentity.get(identity)?.filter((run) => run !== registered) ?? [];
    if (others.length > 0) this.#byIdentity.set(identity, others);
    else this.#byIdentity.delete(identity);
    this.#removed.push(registered);
  }

  /** Since the last call. */
  takeChanges(): CheckChanges {
    const changes = { added: this.#added, removed: this.#removed };
    this.#added = [];
    this.#removed = [];
    return changes;
  }

  get(id: CheckId): RegisteredCheck | undefined {
    return this.#byId.get(id);
  }

  /** Somebody wants to know of what `identity` names, at whatever times. */
  knows(identity: string): boolean {
    return this.#byIdentity.has(identity);
  }

  all(): Iterable<RegisteredCheck> {
    return this.#byId.values();
  }
}

/**
 * Two users share one run only if it is the same at the same times: what the identity leaves out counts here. `alpha` is each
 * user's own affair.
 */
function isSameRun(a: CheckConfig, b: CheckConfig): boolean {
  const [x, y] = [a.timing, b.timing];
  return (
    x.delayLoop === y.delayLoop &&
    x.connectTimeout === y.connectTimeout &&
    x.retry === y.retry &&
    x.delayBeforeRetry === y.delayBeforeRetry &&
    x.warmup === y.warmup &&
    x.logAllFailures === y.logAllFailures &&
    recoversFast(a) === recoversFast(b)
  );
}

const recoversFast = (check: CheckConfig): boolean => check.type !== "TCP_CHECK" && check.fastRecovery;
