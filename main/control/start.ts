import type { Worker } from "node:worker_threads";
import { readAnyAccepted, readEarlier, removeAccepted } from "../config/accepted.js";
import type { LoadOrder, Purpose } from "../config/config-protocol.js";
import { leftInstances } from "../config/left-instances.js";
import type { Config } from "../config/model.js";
import { DaemonError } from "../errors.js";
import { type OpenLog, openLog } from "../observe/create-log.js";
import { dumpDirectory } from "../observe/dump-files.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import { Daemon, loadLvs, loadVrrp, type StartConfig } from "./daemon.js";
import { exitCodeOf, exitCodes } from "./exit-codes.js";
import { limitExit } from "./last-resort.js";
import { namespaceSentence } from "./namespace.js";
import { acceptedConfigPath, logSinks, mainPidFile, type Options, ownPidFiles } from "./options.js";
import { pidFileFailure } from "./pid-file-failure.js";
import { usualPidFile } from "./pid-files.js";
import { type FirstResult, readConfigAtStart } from "./reload.js";
import { requestOf, type Supervisor, type SupervisorEvent } from "./signals.js";
import type { TakeOver } from "./take-over.js";
import { keepalivedBeside } from "./take-over-start.js";
import { version } from "./version.js";

export interface StartOptions {
  readonly options: Options;
  readonly configFile: string;
  readonly supervisor: Supervisor;
  readonly hasLauncher: boolean;
  /** The daemon before this one died. */
  readonly takesOver: boolean;
  /** Waits for the order to read the configuration. Undefined: nothing runs that reading it could hold up. */
  readonly configThread: Worker | undefined;
  /** Hands over what was heard so far, in order, and everything from now on. */
  readonly onEvents: (handler: (event: SupervisorEvent) => void) => void;
}

/** What a start loads as it goes on, for one that has time beforehand. */
export const loadAll = (): Promise<unknown> => Promise.all([loadVrrp(), loadLvs()]);

/** Claims the pid files, reads the configuration and serves. @returns the exit code when it has left */
export async function startDaemon(start: StartOptions): Promise<number> {
  const { options } = start;
  const log = openLog({
    ...logSinks(options, dumpDirectory(process.env["TMPDIR"])),
    detail: options.logDetail > 0,
  });
  dieOfBugs(log);
  try {
    return await serve(start, log);
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error;
    giveUp(error, options, log);
    return exitCodeOf(error);
  } finally {
    await log.close();
  }
}

/** Why there is no daemon, for the log, and for whoever typed the command. */
function giveUp({ code, message }: DaemonError, options: Options, log: OpenLog): void {
  log.log("Keepalived")("error", "daemon.not-started", message, { code });
  tellStarter(message, options);
}

/** Only a daemon in the foreground logs to the console. */
function tellStarter(sentence: string, { logConsole, dontFork }: Options): void {
  if (!(logConsole && dontFork)) process.stderr.write(`holdfast: ${sentence}\n`);
}

async function serve(start: StartOptions, log: OpenLog): Promise<number> {
  const { configFile, supervisor, hasLauncher, onEvents, takesOver } = start;
  const say = log.log("Keepalived");
  if (takesOver && process.env["HOLDFAST_UPGRADE"] === "1")
    say("notice", "daemon.upgraded", `This is version ${version}: going on with the state of the daemon before it`);
  else if (takesOver)
    say("alert", "daemon.takeover", "The daemon before this one died: taking over with the state that it left");
  const begun = takesOver ? await takeOver(start, log) : await begin(start, log);
  if (begun === undefined) {
    if (takesOver) supervisor.stopping(); // else the launcher takes it for one more crash, and starts the next one
    return 0;
  }
  const { options, config, takeOver: inPlace } = begun;
  const daemon = new Daemon({ options, configFile, log, supervisor, hasLauncher, takeOver: inPlace }, config);
  const early = new EarlyEvents(options.ignoreSigint);
  onEvents((event) => early.note(event));
  await daemon.start({ takesOver: takesOver || inPlace !== undefined, asked: early.asked });
  await new Promise<void>((resolve) => {
    const act = (event: SupervisorEvent): void => {
      if (event.kind === "signal") void daemon.onSignal(event.name).then((end) => end === "stopped" && resolve());
      else if (event.kind === "lost") void daemon.stop().then(resolve);
    };
    for (const event of early.events) act(event);
    onEvents(act);
    void daemon.gaveWay().then(async () => resolve(await daemon.stop()));
  });
  if (daemon.stuck()) await log.close().finally(() => limitExit(exitCodes.ok, ms(0)));
  return 0;
}

/** What a daemon works by; undefined: this process has nothing more to do. */
interface Begun {
  /** With the names of its files. */
  readonly options: Options;
  readonly config: StartConfig;
  /** --take-over: a keepalived that still runs. */
  readonly takeOver?: TakeOver | undefined;
}

/** The configuration says where it works and under which names, so it is read first. */
async function begin(start: StartOptions, log: OpenLog): Promise<Begun | undefined> {
  const { options: given, configFile, supervisor } = start;
  const { readConfigHere } = await import("./read-at-start.js");
  const settled = ({ process }: Config): Options => ({ ...given, pidFile: given.pidFile ?? usualPidFile(process) });
  const read = (purpose: Purpose): FirstResult =>
    readConfigHere(orderOf(start, purpose), (config) => acceptedConfigPath(settled(config)));
  const strictly = given.takeOver ? read("take-over") : undefined;
  const first = strictly === undefined || strictly.kind === "errors" ? read("start") : strictly;
  if (first.kind !== "good") throw unreadable(configFile, first);
  const { config } = first;
  if (await moved(config.process.netNamespace, supervisor)) return undefined;
  const options = settled(config);
  const beside = await keepalivedBeside({
    options,
    config,
    log,
    refused: strictly?.kind === "errors" ? first.findings : undefined,
  });
  if (beside.kind === "running") {
    tellRunning(beside.pid, mainPidFile(options), options, log);
    return undefined;
  }
  const say = log.log("Keepalived");
  const claim = (): Promise<boolean> => claimPidFiles(options, supervisor, log);
  if (beside.kind === "none" && !(await claim())) return undefined;
  removeAccepted(acceptedConfigPath(options)); // of a daemon that was killed with its launcher
  const takeOver = beside.kind === "in-place" ? beside.takeOver(claim) : undefined;
  return { options, config: taken(first, say), takeOver };
}

/** It is where the daemon before it was, under the same names, whatever the file says by now: that takes a restart. */
async function takeOver(start: StartOptions, log: OpenLog): Promise<Begun | undefined> {
  const { options: given, supervisor } = start;
  const options = { ...given, pidFile: given.pidFile ?? process.env["HOLDFAST_PID_FILE"] };
  if (!(await claimPidFiles(options, supervisor, log))) return undefined;
  return { options, config: await readAgain({ ...start, options }, log.log("Keepalived")) };
}

/** @returns true when the next process of the launcher is the daemon. @throws DaemonError when there is no such namespace */
async function moved(wanted: string | undefined, supervisor: Supervisor): Promise<boolean> {
  if (wanted === undefined || wanted === process.env["HOLDFAST_NAMESPACE"]) return false;
  const verdict = await supervisor.enterNamespace(wanted);
  if (verdict.kind === "ok") return true;
  throw new DaemonError("E_NAMESPACE", namespaceSentence(wanted, verdict.errno));
}

/** What comes while the daemon starts is done when it has started; one that is to stop waits for its startup script no longer. */
class EarlyEvents {
  readonly events: SupervisorEvent[] = [];
  readonly #ignoreSigint: boolean;
  readonly #stop = new AbortController();

  constructor(ignoreSigint: boolean) {
    this.#ignoreSigint = ignoreSigint;
  }

  get asked(): AbortSignal {
    return this.#stop.signal;
  }

  note(event: SupervisorEvent): void {
    this.events.push(event);
    if (event.kind === "lost" || (event.kind === "signal" && requestOf(event.name, this.#ignoreSigint) === "stop"))
      this.#stop.abort();
  }
}

/** A take-over must lose nothing: when the file was broken meanwhile, what was in force stays in force. @throws DaemonError */
async function readAgain(start: StartOptions, say: Log): Promise<StartConfig> {
  const { options, configFile, configThread } = start;
  const first = await readConfigAtStart(orderOf(start, "take-over"), configThread);
  if (first.kind === "good") return taken(first, say);
  const path = acceptedConfigPath(options);
  const before = readAnyAccepted(path);
  if (before !== undefined) {
    tellFindings(first, say);
    const sentence = `${configFile} has errors: going on with the configuration that was in force - correct it and reload`;
    say("error", "config.kept", sentence);
    const { edition, config } = before;
    return { config, keep: () => Promise.resolve({ edition, left: leftInstances(readEarlier(path), config) }) };
  }
  const second = first.kind === "errors" ? await readConfigAtStart(orderOf(start, "start")) : first;
  if (second.kind === "good") return taken(second, say);
  throw unreadable(configFile, second);
}

function unreadable(configFile: string, answer: Exclude<FirstResult, { readonly kind: "good" }>): DaemonError {
  const why = answer.kind === "failed" ? ` (${answer.why})` : "";
  const message = `Configuration file ${configFile} cannot be read${why} - correct the path given with -f`;
  return new DaemonError("E_CONFIG_MISSING", message);
}

function orderOf({ options, configFile, takesOver }: StartOptions, purpose: Purpose): LoadOrder {
  return {
    kind: "load",
    purpose,
    file: configFile,
    configId: options.configId,
    allIncludeChecks: options.allConfig,
    keepAt: takesOver ? acceptedConfigPath(options) : undefined,
    namespace: takesOver ? (process.env["HOLDFAST_NAMESPACE"] ?? null) : options.namespace,
  };
}

function taken(answer: Extract<FirstResult, { kind: "good" }>, say: Log): StartConfig {
  tellFindings(answer, say);
  return { config: answer.config, keep: answer.keep };
}

function tellFindings(answer: FirstResult, say: Log): void {
  if (answer.kind === "failed") return;
  for (const line of answer.findings) say("warning", "config.finding", line);
}

/** @returns false when another daemon runs; a pid file that cannot be written is no reason not to serve */
async function claimPidFiles(options: Options, supervisor: Supervisor, log: OpenLog): Promise<boolean> {
  const say = log.log("Keepalived");
  for (const { path, option } of ownPidFiles(options)) {
    const verdict = await supervisor.pidFile(path);
    if (verdict.kind === "busy") {
      tellRunning(verdict.pid, path, options, log);
      return false;
    }
    if (verdict.kind === "failed") say("error", "pid-file.failed", pidFileFailure(path, verdict.errno, option));
  }
  return true;
}

function tellRunning(pid: number, path: string, options: Options, log: OpenLog): void {
  log.log("Keepalived")("info", "daemon.already-running", "daemon is already running", { pid, path });
  tellStarter(`daemon is already running (pid ${pid}, ${path})`, options);
}

/** A bug ends the process with its story in the log; the launcher starts the next one, which takes over the state. */
function dieOfBugs(log: OpenLog): void {
  process.on("uncaughtException", (error: unknown) => {
    const story = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.log("Keepalived")("alert", "daemon.bug", `Program error, starting again: ${story}`);
    void log.flush().finally(() => {
      limitExit(exitCodes.programError);
      process.exit(exitCodes.programError);
    });
  });
}
