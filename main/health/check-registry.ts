import type { ServerCheckConfig } from "../config/model-checks.js";
import { type CheckId, checkId } from "../units.js";
import { IdMap, partByEnd, WideMap } from "../wide-map.js";
import { isPooled } from "./pooled.js";
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
  readonly check: ServerCheckConfig;
  /** Seldom more than one: replaced, not appended to, because V8 gives a list that grows room for 17. */
  users: readonly CheckUser[];
  /** Of its users, each once, as whoever runs it was last told. */
  groups: readonly number[];
  /**
   * As last heard of this run, in whichever generation: what whoever runs it tells changes of, and what its users count on. Another run
   * of the same identity may know better, but nobody would be told when this one comes to know it too.
   */
  known: "up" | "down" | undefined;
  /** What it said last besides that, where it sets weights. */
  value?: number;
  /** Whether `takeChanges` has something to say of it. */
  news: "new" | "touched" | "none";
}

/** What a reload means for those who run the checks. */
export interface CheckChanges {
  readonly added: readonly RegisteredCheck[];
  readonly removed: readonly RegisteredCheck[];
  /** Neither of these, but used by other virtual servers than before. */
  readonly regrouped: readonly RegisteredCheck[];
}

/**
 * The checks of the configuration, each once. Ids live as long as the check is configured and are never used again, so that a
 * late message about a check that is gone cannot be taken for another one. At a reload what is new is added before what is gone
 * is removed: equal checks keep their ids.
 */
export class CheckRegistry {
  readonly #byId = new IdMap<CheckId, RegisteredCheck>();
  /** More than one where the same is checked at different times: who spoke last comes first. */
  readonly #byIdentity = new WideMap<string, readonly RegisteredCheck[] | RegisteredCheck>(partByEnd);
  #nextId = 1;
  #added: RegisteredCheck[] = [];
  #removed: RegisteredCheck[] = [];
  /** Users came or went. No Set: one of all checks would be moved as a whole when it grows. */
  #touched: RegisteredCheck[] = [];

  /** Takes note that `user` wants `check`. A new run begins with what the others of its identity said last. */
  add(check: ServerCheckConfig, identity: string, user: CheckUser): RegisteredCheck {
    const runs = this.#runs(identity);
    let registered = runs.find((run) => isSameRun(run.check, check));
    if (registered === undefined) {
      const known = whoKnows(runs);
      const id = checkId(this.#nextId++);
      registered = { id, identity, check, users: [user], groups: nobody, known: known?.known, news: "new" };
      if (known?.value !== undefined) registered.value = known.value;
      this.#setRuns(identity, [...runs, registered]);
      this.#byId.set(registered.id, registered);
      this.#added.push(registered);
    } else registered.users = [...registered.users, user];
    this.#touch(registered);
    return registered;
  }

  /** That place does not exist any more. A check that nobody wants is forgotten. */
  remove(registered: RegisteredCheck, live: LiveServer, server: number): void {
    const { id, identity, users } = registered;
    const index = users.findIndex((user) => user.live === live && user.server === server);
    if (index >= 0) registered.users = users.toSpliced(index, 1);
    this.#touch(registered);
    if (registered.users.length > 0 || !this.#byId.delete(id)) return;
    const others = this.#runs(identity).filter((run) => run !== registered);
    if (others.length > 0) this.#setRuns(identity, others);
    else this.#byIdentity.delete(identity);
    this.#removed.push(registered);
  }

  /** Since the last call. In steps of one check. */
  *takeChanges(): Generator<void, CheckChanges> {
    const [fresh, touched, removed] = [this.#added, this.#touched, this.#removed];
    const added: RegisteredCheck[] = [];
    const regrouped: RegisteredCheck[] = [];
    this.#added = [];
    this.#touched = [];
    this.#removed = [];
    for (const list of [fresh, touched])
      for (const check of list) {
        const { news, users } = check;
        check.news = "none";
        if (users.length > 0) {
          const groups = groupsOf(check);
          if (news === "new") added.push(check);
          else if (!isSameList(groups, check.groups)) regrouped.push(check);
          check.groups = groups;
        }
        yield;
      }
    return { added, removed, regrouped };
  }

  #touch(check: RegisteredCheck): void {
    if (check.news !== "none") return;
    check.news = "touched";
    this.#touched.push(check);
  }

  get(id: CheckId): RegisteredCheck | undefined {
    return this.#byId.get(id);
  }

  /** Somebody wants to know of what `identity` names, at whatever times. */
  knows(identity: string): boolean {
    return this.#byIdentity.has(identity);
  }

  /** The state last heard of a check: of its run, else of the others of its identity. */
  known(check: ServerCheckConfig, identity: string): "up" | "down" | undefined {
    const runs = this.#runs(identity);
    return runs.find((run) => isSameRun(run.check, check))?.known ?? whoKnows(runs)?.known;
  }

  /** What its run said besides that. */
  value(check: ServerCheckConfig, identity: string): number | undefined {
    return this.#runs(identity).find((run) => isSameRun(run.check, check))?.value;
  }

  /** A run has spoken. @param value undefined: as before */
  heard(run: RegisteredCheck, known: "up" | "down", value: number | undefined): void {
    run.known = known;
    if (value !== undefined) run.value = value;
    const runs = this.#runs(run.identity);
    if (runs[0] !== run) this.#setRuns(run.identity, [run, ...runs.filter((other) => other !== run)]);
  }

  #runs(identity: string): readonly RegisteredCheck[] {
    const runs = this.#byIdentity.get(identity);
    if (runs === undefined) return [];
    return "identity" in runs ? [runs] : runs;
  }

  #setRuns(identity: string, runs: readonly RegisteredCheck[]): void {
    const [only] = runs;
    this.#byIdentity.set(identity, runs.length === 1 && only !== undefined ? only : runs);
  }

  all(): Iterable<RegisteredCheck> {
    return this.#byId.values();
  }
}

/** Of the checks of one virtual server one list for all: a message to a thread has it once, too. */
function groupsOf({ users }: RegisteredCheck): readonly number[] {
  const [user] = users;
  if (users.length === 1 && user !== undefined) return user.live.groups;
  return [...new Set(users.map(({ live }) => live.group))].sort(byNumber);
}

const nobody: readonly number[] = [];

const whoKnows = (runs: readonly RegisteredCheck[]): RegisteredCheck | undefined =>
  runs.find(({ known }) => known !== undefined);

const byNumber = (a: number, b: number): number => a - b;

const isSameList = (a: readonly number[], b: readonly number[]): boolean =>
  a === b || (a.length === b.length && a.every((group, i) => group === b[i]));

/**
 * Two users share one run only if it is the same at the same times: what the identity leaves out counts here. `alpha` is each
 * user's own affair.
 */
export function isSameRun(a: ServerCheckConfig, b: ServerCheckConfig): boolean {
  if (!isPooled(a) || !isPooled(b)) return true; // not run at all
  const [x, y] = [a.timing, b.timing];
  return (
    x.delayLoop === y.delayLoop &&
    x.fastInterval === y.fastInterval &&
    x.jitter === y.jitter &&
    x.connectTimeout === y.connectTimeout &&
    x.retry === y.retry &&
    x.rise === y.rise &&
    x.delayBeforeRetry === y.delayBeforeRetry &&
    x.warmup === y.warmup &&
    x.logAllFailures === y.logAllFailures &&
    recoversFast(a) === recoversFast(b) &&
    timeLimit(a) === timeLimit(b) &&
    passPhrase(a) === passPhrase(b)
  );
}

const passPhrase = (check: ServerCheckConfig): string | undefined => ("tls" in check ? check.tls?.password : undefined);

const timeLimit = (check: ServerCheckConfig): number | undefined => ("timeout" in check ? check.timeout : undefined);

const recoversFast = (check: ServerCheckConfig): boolean => "fastRecovery" in check && check.fastRecovery;
