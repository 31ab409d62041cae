import type { Worker } from "node:worker_threads";
import type { FromConfigWorker, Kept, LoadOrder, ToConfigWorker } from "../config/config-protocol.js";
import type { Config } from "../config/model.js";
import { Rebuild } from "../config/rebuild.js";
import { shareTexts } from "../config/share-texts.js";
import { nextTurn } from "../turn.js";
import { startConfigThread } from "./config-thread.js";

/** keepalived gives its own validation five seconds; farms with 40,000 real servers on slow machines get more. */
const LIMIT_MS = 60_000;

export type AsideResult =
  /** `config` shares with the running one all that did not change. */
  | { readonly kind: "good"; readonly config: Config; readonly kept: Kept; readonly findings: readonly string[] }
  | { readonly kind: "errors" | "missing"; readonly findings: readonly string[] }
  | Failed;

type Failed = { readonly kind: "failed"; readonly why: string };

export interface Aside {
  /** Ends it early: the thread may wait for a file server that is gone. */
  readonly signal?: AbortSignal;
  /** One that is waiting for its order; otherwise a new one. Ended in any case. */
  readonly thread?: Worker | undefined;
  /** Hears of a configuration that comes as a whole. Its copy is written when the promise resolves. */
  readonly onWhole?: (config: Config, findings: readonly string[]) => Promise<void>;
}

export type FirstResult =
  | {
      readonly kind: "good";
      readonly config: Config;
      readonly findings: readonly string[];
      /** Writes the copy: the thread has the whole in memory until then, and would compete with the start for a processor. */
      readonly keep: (leaving?: AbortSignal) => Promise<Kept>;
    }
  | Exclude<AsideResult, { readonly kind: "good" }>;

/**
 * Has a configuration read in a thread of its own, so that adverts wait neither for a parser nor for its mistakes, and takes over
 * how it differs from `running`, one portion per turn of the loop.
 */
export function readConfigAside(
  order: LoadOrder,
  running: Config | undefined,
  aside: Aside = {},
): Promise<AsideResult> {
  return withWorker(aside, async (ask) => {
    const findings: string[] = [];
    let rebuild = new Rebuild<Config>(undefined);
    let whole: Config | undefined;
    for (let answer = await ask(order); ; answer = await ask({ kind: "next" })) {
      if (answer.kind === "findings") findings.push(...answer.lines);
      else if (answer.kind === "base") rebuild = new Rebuild(answer.edition === undefined ? undefined : running);
      else if (answer.kind === "steps") rebuild.take(answer.steps);
      else if (answer.kind === "whole") {
        whole = answer.config;
        shareTexts(whole);
        await aside.onWhole?.(whole, findings);
      } else if (answer.kind === "end") {
        const { verdict } = answer;
        if (verdict.is !== "good") return { kind: verdict.is, findings };
        return { kind: "good", config: whole ?? rebuild.finish(), kept: verdict.kept, findings };
      }
      await nextTurn();
    }
  });
}

/**
 * The same at a start: the garbage of a parser would stay in the main thread's heap until a collection that holds up adverts.
 * The copy is written when the start asks for it.
 */
export function readConfigAtStart(order: LoadOrder, thread?: Worker): Promise<FirstResult> {
  return new Promise((resolve, reject) => {
    const given = new AbortController();
    const onWhole = (config: Config, findings: readonly string[]): Promise<void> =>
      new Promise((goOn) => {
        const keep = (leaving?: AbortSignal): Promise<Kept> => {
          leaving?.addEventListener("abort", () => given.abort(), { once: true });
          goOn();
          return all.then(keptOf);
        };
        resolve({ kind: "good", config, findings, keep });
      });
    const all = readConfigAside(order, undefined, { thread, onWhole, signal: given.signal });
    all.then((answer) => answer.kind !== "good" && resolve(answer), reject);
  });
}

function keptOf(answer: AsideResult): Kept {
  if (answer.kind === "good") return answer.kept;
  return { edition: undefined, reason: answer.kind === "failed" ? answer.why : answer.kind };
}

type Ask = (message: ToConfigWorker) => Promise<FromConfigWorker>;

/** One worker for one conversation: afterwards its memory is free again. */
async function withWorker<T>({ signal, thread }: Aside, talk: (ask: Ask) => Promise<T>): Promise<T | Failed> {
  const worker = thread ?? started(startConfigThread);
  if ("kind" in worker) return worker;
  let timer: NodeJS.Timeout | undefined;
  let talking = true;
  const over = new AbortController(); // of the conversation: `signal` outlives thousands of them
  const failure = new Promise<Failed>((resolve) => {
    const fail = (why: string): void => resolve({ kind: "failed", why });
    timer = setTimeout(() => fail(`it took more than ${LIMIT_MS / 1000} s`), LIMIT_MS);
    worker.once("error", (error: Error) => fail(error.message));
    worker.once("exit", (code) => talking && fail(`its thread ended with ${code}`));
    signal?.addEventListener("abort", () => fail("it was given up"), { once: true, signal: over.signal });
  });
  const ask = (message: ToConfigWorker): Promise<FromConfigWorker> =>
    new Promise((resolve) => {
      timer?.refresh(); // a large configuration has many answers, and a minute for each
      worker.once("message", resolve);
      worker.postMessage(message);
    });
  // While a thread gives back its hundreds of megabytes, whoever needs memory waits: so the main thread's work comes after that.
  const done = talk(ask).catch(misunderstood);
  const gone = done.then(() => {
    talking = false;
    return worker.terminate();
  });
  try {
    return await Promise.race([gone.then(() => done), failure]);
  } finally {
    over.abort();
    clearTimeout(timer);
    void worker.terminate(); // not waited for: it may hang in a file server
  }
}

/** ERR_WORKER_INIT_FAILED: the host, or the control group, has as many threads as it may have. */
function started(start: () => Worker): Worker | Failed {
  try {
    return start();
  } catch (error) {
    return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}

/** Then the running configuration stays as it is. */
function misunderstood(error: unknown): Failed {
  if (!(error instanceof RangeError)) throw error;
  return { kind: "failed", why: error.message };
}
