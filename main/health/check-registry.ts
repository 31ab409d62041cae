import type { CheckConfig } from "../config/model.js";
import { type CheckId, checkId } from "../units.js";

/** One place in the configuration that wants to hear of a check. Indices into the configuration's lists. */
export interface CheckUser {
  readonly virtualServer: number;
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

/**
 * The checks of one configuration, each once. Ids live as long as the check is configured and are never used again, so that a
 * late message about a check that is gone cannot be taken for another one.
 */
export class CheckRegistry {
  readonly #byId = new Map<CheckId, RegisteredCheck>();
  readonly #byRun = new Map<string, RegisteredCheck>();
  #before: CheckRegistry | undefined;
  #nextId: number;

  /** @param before of the configuration that this one replaces: equal checks keep their ids */
  constructor(before?: CheckRegistry) {
    this.#before = before;
    this.#nextId = before === undefined ? 1 : before.#nextId;
  }

  /** Takes note that `user` wants `check`. */
  add(check: CheckConfig, identity: string, user: CheckUser): void {
    const key = runKey(check, identity);
    let registered = this.#byRun.get(key);
    if (registered === undefined) {
      const id = this.#before?.idOf(key) ?? checkId(this.#nextId++);
      registered = { id, identity, check, users: [] };
      this.#byRun.set(key, registered);
      this.#byId.set(id, registered);
    }
    registered.users.push(user);
  }

  /** No more will be added: lets go of the configuration before, or all of them would stay in memory. */
  complete(): void {
    this.#before = undefined;
  }

  get(id: CheckId): RegisteredCheck | undefined {
    return this.#byId.get(id);
  }

  /** @param key see `runKey` */
  idOf(key: string): CheckId | undefined {
    return this.#byRun.get(key)?.id;
  }

  all(): IterableIterator<RegisteredCheck> {
    return this.#byId.values();
  }
}

/**
 * Two users share one run only if it is the same at the same times: what the identity leaves out counts here. `alpha` is each
 * user's own affair.
 */
function runKey(check: CheckConfig, identity: string): string {
  const { delayLoop, connectTimeout, retry, delayBeforeRetry, warmup, logAllFailures } = check.timing;
  const fastRecovery = check.type !== "TCP_CHECK" && check.fastRecovery;
  return [identity, delayLoop, connectTimeout, retry, delayBeforeRetry, warmup, logAllFailures, fastRecovery].join("|");
}
