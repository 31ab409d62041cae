import type { Clock } from "../clock.js";
import type { ScriptCommand, ScriptUser } from "../config/model.js";
import type { FifosConfig } from "../config/model-global.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import type { ScriptResult } from "../vrrp/ports.js";
import type { LineKind } from "./fifo-backlog.js";
import type { FifoOpener, FifoWish } from "./fifo-file.js";
import { FifoOutlet } from "./fifo-outlet.js";
import type { RunningScript } from "./script-runner.js";

/** Which part of the daemon a line comes from. */
export type Side = "vrrp" | "lvs";

export interface FifoSettings {
  readonly fifos: FifosConfig;
  /** Of pipes whose line names no user. */
  readonly defaultOwner: ScriptUser | undefined;
  readonly umask: number;
  /** Sides that have something to tell: without one there is no pipe for it. */
  readonly sides: ReadonlySet<Side>;
}

export interface FifosDeps {
  readonly open: FifoOpener;
  /** Starts the readers; see HostScriptRunner. */
  readonly run: (
    command: ScriptCommand,
    extraArgs: readonly string[],
    timeout: Milliseconds,
    done: (result: ScriptResult) => void,
  ) => RunningScript;
  readonly log: Log;
  readonly clock: Clock;
}

/** One pipe that is wanted. */
export interface WantedFifo extends FifoWish {
  readonly keyword: string;
  readonly sides: readonly Side[];
  readonly script: ScriptCommand | undefined;
}

interface Live {
  wanted: WantedFifo;
  readonly outlet: FifoOutlet;
  reader: RunningScript | undefined;
  /** Ends it, when no line of the configuration names it any more. */
  leaving: Disposable | undefined;
}

const NO_LIMIT = ms(0);
/** What a reload removes is told after the pipes have changed, servers in slices. */
const LAST_LINES = ms(1000);

/** The notify FIFOs of the daemon and the programs that read them. What a reload does not change goes on. */
export class Fifos {
  readonly #deps: FifosDeps;
  readonly #live = new Map<string, Live>();
  /** Of pipes that a reload gave up: their files are removed before others take their names. */
  readonly #closing = new Map<string, Promise<void>>();
  #stopping: boolean = false;

  constructor(deps: FifosDeps) {
    this.#deps = deps;
  }

  /** At start and after each reload. Pipes are made beside the caller; lines wait for them. */
  configure(settings: FifoSettings): void {
    const { wanted, ignored } = wantedFifos(settings);
    for (const sentence of ignored) this.#deps.log("warning", "fifo.ignored", sentence);
    const byPath = new Map(wanted.map((fifo) => [fifo.path, fifo]));
    for (const [path, live] of this.#live) {
      const next = byPath.get(path);
      if (next === undefined) live.leaving ??= this.#deps.clock.after(LAST_LINES, () => this.#remove(path, live));
      else if (!live.outlet.usable || !samePipe(live.wanted, next)) this.#remove(path, live);
    }
    for (const fifo of wanted) this.#apply(fifo);
  }

  tell(side: Side, line: string, kind: LineKind): void {
    for (const { wanted, outlet } of this.#live.values()) if (wanted.sides.includes(side)) outlet.tell(line, kind);
  }

  /** Closes the pipes when all is in them, so that readers see the end, and gives the readers until `limit`. */
  async stop(limit: Milliseconds): Promise<void> {
    this.#stopping = true;
    const until = this.#deps.clock.now() + limit;
    const all = [...this.#live.values()];
    for (const { leaving } of all) leaving?.[Symbol.dispose]();
    await Promise.all(all.map(({ outlet }) => outlet.settle(limit)));
    await this.#within(limit, Promise.all(all.map(({ outlet }) => outlet.close())));
    while (all.some(({ reader }) => reader !== undefined) && this.#deps.clock.now() < until)
      await new Promise<void>((resolve) => this.#deps.clock.after(ms(10), resolve));
  }

  /** A disk that hangs must not keep the daemon from its end. */
  async #within(limit: Milliseconds, work: Promise<unknown>): Promise<void> {
    let timer: Disposable | undefined;
    const over = new Promise<void>((resolve) => {
      timer = this.#deps.clock.after(limit, resolve);
    });
    await Promise.race([work, over]);
    timer?.[Symbol.dispose]();
  }

  #apply(fifo: WantedFifo): void {
    const live = this.#live.get(fifo.path) ?? this.#add(fifo);
    live.leaving?.[Symbol.dispose]();
    live.leaving = undefined;
    const before = live.wanted.script;
    live.wanted = fifo;
    if (live.reader !== undefined && !sameCommand(before, fifo.script)) {
      live.reader.end();
      live.reader = undefined;
    }
    void live.outlet.opened.then((usable) => usable && this.#startReader(live));
  }

  #add(wanted: WantedFifo): Live {
    const { log, clock } = this.#deps;
    const open: FifoOpener = async (wish) => {
      await this.#closing.get(wish.path);
      return this.#deps.open(wish);
    };
    const live: Live = {
      wanted,
      outlet: new FifoOutlet(wanted.keyword, wanted, open, log, clock),
      reader: undefined,
      leaving: undefined,
    };
    this.#live.set(wanted.path, live);
    return live;
  }

  #remove(path: string, live: Live): void {
    live.leaving?.[Symbol.dispose]();
    this.#live.delete(path);
    live.reader?.end();
    live.reader = undefined;
    const closed = live.outlet.close().finally(() => {
      if (this.#closing.get(path) === closed) this.#closing.delete(path);
    });
    this.#closing.set(path, closed);
  }

  /** keepalived does not start a reader again when it ends, but at the next reload; the pipe keeps what is told meanwhile. */
  #startReader(live: Live): void {
    const { wanted } = live;
    const { script, path } = wanted;
    if (this.#stopping || script === undefined || live.reader !== undefined || this.#live.get(path) !== live) return;
    const reader = this.#deps.run(script, [path], NO_LIMIT, (result) => {
      if (live.reader !== reader) return; // ended by us
      live.reader = undefined;
      if (!this.#stopping) this.#sayEnded(wanted, script, result);
    });
    live.reader = reader;
  }

  #sayEnded({ keyword, sides }: WantedFifo, { argv, user }: ScriptCommand, { kind, value }: ScriptResult): void {
    const how: Readonly<Record<ScriptResult["kind"], string>> = {
      exited: `it exited with status ${value}`,
      signalled: `it ended due to signal ${value}`,
      "timed-out": "it was ended",
      "not-started": `it cannot be started as user ${user.name} (errno ${value}): check the file and its permissions`,
    };
    const whose = sides.length > 1 ? "" : `${sides[0]} `;
    const sentence = `${whose}notify fifo script terminated: ${keyword}_script ${argv.join(" ")}: ${how[kind]}; the next reload starts it again`;
    this.#deps.log(kind === "not-started" ? "error" : "warning", "fifo.reader-ended", sentence, { kind, value });
  }
}

/** keepalived.conf(5): a pipe that two keywords name is made once; the global one wins over the others. */
export function wantedFifos({ fifos, defaultOwner, umask, sides }: FifoSettings): {
  readonly wanted: readonly WantedFifo[];
  readonly ignored: readonly string[];
} {
  const wanted: WantedFifo[] = [];
  const ignored: string[] = [];
  const rows = [
    { keyword: "notify_fifo", kind: "all", of: ["vrrp", "lvs"], label: "global" },
    { keyword: "vrrp_notify_fifo", kind: "vrrp", of: ["vrrp"], label: "vrrp" },
    { keyword: "lvs_notify_fifo", kind: "lvs", of: ["lvs"], label: "LVS" },
  ] as const;
  for (const { keyword, kind, of, label } of rows) {
    const { path, owner, script } = fifos[kind];
    if (path === undefined || !of.some((side) => sides.has(side))) continue;
    const same = wanted.findIndex((other) => other.path === path);
    const other = wanted[same];
    if (other === undefined) {
      wanted.push({ path, owner: owner ?? defaultOwner, umask, keyword, sides: of, script });
    } else if (other.keyword === "notify_fifo") {
      ignored.push(`notify FIFO ${path} has been specified for global and ${label} FIFO - ignoring ${label} FIFO`);
    } else {
      const both = script !== undefined && other.script !== undefined;
      if (both) ignored.push("LVS notify FIFO and vrrp FIFO are the same both with scripts - ignoring LVS FIFO script");
      wanted[same] = { ...other, sides: ["vrrp", "lvs"], script: other.script ?? script };
    }
  }
  return { wanted, ignored };
}

const samePipe = (a: WantedFifo, b: WantedFifo): boolean =>
  a.umask === b.umask && a.owner?.uid === b.owner?.uid && a.owner?.gid === b.owner?.gid;

function sameCommand(a: ScriptCommand | undefined, b: ScriptCommand | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const { user } = b;
  const sameGroups = a.user.groups?.join() === user.groups?.join();
  const sameUser = a.user.uid === user.uid && a.user.gid === user.gid && sameGroups;
  return sameUser && a.argv.length === b.argv.length && a.argv.every((word, i) => word === b.argv[i]);
}
