import { difference, portionLimits, type Step } from "./difference.js";
import { changedFixedSettings, type FixedSettings } from "./fixed-settings.js";
import { leftInstances } from "./left-instances.js";
import { loadConfig } from "./load.js";
import type { Config, RealServerConfig, VrrpInstanceConfig } from "./model.js";
import type { ConfigHost } from "./ports.js";
import { findingLines, hasErrors } from "./report.js";

/**
 * Names one configuration that was in force, for as long as the daemon runs: the copy on disk (accepted.ts) and the main thread
 * each say which one they have.
 */
export type Edition = string;

/**
 * What it is read for. A reload refuses what has errors, and is in nobody's way: small portions, low priority. At a start nothing
 * waits but the start itself: everything comes at once. There what has errors is taken, as keepalived does; a take-over refuses it:
 * it may have the copy of what was in force.
 */
export type Purpose = "start" | "take-over" | "reload";

/** Main → config worker. Structured-cloned. Each is answered by one message; one worker serves one `load`. */
export type ToConfigWorker =
  /** Answered by the first part of what was read. */
  | {
      readonly kind: "load";
      readonly purpose: Purpose;
      readonly file: string;
      /** -e: every include check counts. */
      readonly allIncludeChecks?: boolean;
      /** -i; undefined: the host name up to its first dot. */
      readonly configId?: string | undefined;
      /** Where the copy of what is in force is kept: accepted.ts. */
      readonly keepAt?: string | undefined;
      /** What the main thread has. When the copy is another one, everything counts as changed. */
      readonly running?: Edition | undefined;
      /** Network namespace that counts instead of `net_namespace`; null: none. */
      readonly namespace?: string | null | undefined;
      /** Of the running configuration: a reload that would change them is refused. */
      readonly fixed?: FixedSettings | undefined;
    }
  /** The next part: the main thread asks when it has time for one. */
  | { readonly kind: "next" };

/** Config worker → main, for a reload each small enough to be read without being noticed. */
export type FromConfigWorker =
  /** Findings for the log, one line each, in order. */
  | { readonly kind: "findings"; readonly lines: readonly string[] }
  /** The steps that follow begin with this one; undefined: with nothing. */
  | { readonly kind: "base"; readonly edition: Edition | undefined }
  /** At a start: all of it, before the copy is written. */
  | { readonly kind: "whole"; readonly config: Config }
  /** To the new one. */
  | { readonly kind: "steps"; readonly steps: readonly Step[] }
  | { readonly kind: "end"; readonly verdict: Verdict };

export type Verdict =
  /** All steps are there and the copy has been written. */
  | { readonly is: "good"; readonly kept: Kept }
  /** Nothing changes. */
  | { readonly is: "errors" | "missing" };

/** `reason`: why there is no copy (errno name); undefined when none was asked for. */
export type Kept = (
  | { readonly edition: Edition }
  | { readonly edition: undefined; readonly reason: string | undefined }
) & {
  /** At a take-over: instances that the file no longer has, or has otherwise, as earlier copies had them. */
  readonly left?: readonly VrrpInstanceConfig[];
};

export interface AcceptedCopy {
  /** To be compared with: accepted.ts. Undefined when it is not there, or another one. */
  read(edition: Edition): object | undefined;
  /** Whoever wrote them: what is in its place, and what that was to replace when a daemon died over it. */
  earlier(): readonly Config[];
  save(config: Config): Kept;
}

export type LoadOrder = Extract<ToConfigWorker, { kind: "load" }>;

/** Everything that a `load` is answered with, computed as it is asked for. The copy is written when all the rest was taken. */
export function* answerLoad(
  { file, purpose, allIncludeChecks = false, running, namespace, fixed }: LoadOrder,
  host: ConfigHost,
  copy: AcceptedCopy,
): Generator<FromConfigWorker> {
  const result = loadConfig(file, host, { allIncludeChecks });
  for (const lines of portions(findingLines(result.diagnostics))) yield { kind: "findings", lines };
  const { config } = result;
  if (config === undefined || (purpose !== "start" && hasErrors(result))) {
    yield { kind: "end", verdict: { is: result.missing ? "missing" : "errors" } };
    return;
  }
  if (namespace !== undefined) setNamespace(config, namespace ?? undefined);
  const changed = fixed === undefined ? [] : changedFixedSettings(fixed, config.process);
  if (changed.length > 0) {
    yield { kind: "findings", lines: changed };
    yield { kind: "end", verdict: { is: "errors" } };
    return;
  }
  forgetPlaces(config);
  const same = purpose === "reload" && (yield* changes(config, copy, running));
  if (purpose !== "reload") yield { kind: "whole", config };
  if (same && running !== undefined) {
    yield { kind: "end", verdict: { is: "good", kept: { edition: running } } }; // the copy is of this already
    return;
  }
  const left = purpose === "take-over" ? leftInstances(copy.earlier(), config) : [];
  const kept = copy.save(config);
  yield { kind: "end", verdict: { is: "good", kept: left.length === 0 ? kept : { ...kept, left } } };
}

/** Findings have been made by now, and nothing else names the line of a real server: that of its virtual server does. */
function forgetPlaces({ virtualServers }: Config): void {
  for (const { at, realServers } of virtualServers)
    for (const server of realServers as readonly Writable<RealServerConfig>[]) server.at = at;
}

function setNamespace(config: Writable<Config>, netNamespace: string | undefined): void {
  config.process = { ...config.process, netNamespace };
}

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/** @returns whether nothing has changed */
function* changes(
  config: Config,
  copy: AcceptedCopy,
  running: Edition | undefined,
): Generator<FromConfigWorker, boolean> {
  const before = running === undefined ? undefined : copy.read(running);
  yield { kind: "base", edition: before && running };
  let same = before !== undefined;
  for (const steps of difference(before, config)) {
    same = false;
    yield { kind: "steps", steps };
  }
  return same;
}

function* portions(lines: readonly string[]): Generator<readonly string[]> {
  let portion: string[] = [];
  let octets = 0;
  for (const line of lines) {
    if (portion.length >= portionLimits.steps || (portion.length > 0 && octets + line.length > portionLimits.octets)) {
      yield portion;
      portion = [];
      octets = 0;
    }
    portion.push(line);
    octets += line.length;
  }
  if (portion.length > 0) yield portion;
}
