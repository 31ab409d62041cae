import type { Worker } from "node:worker_threads";
import { readAnyAccepted, removeAccepted } from "../config/accepted.js";
import type { Purpose } from "../config/config-protocol.js";
import { DaemonError } from "../errors.js";
import { type OpenLog, openLog } from "../observe/create-log.js";
import { dumpDirectory } from "../observe/dump-files.js";
import type { Log } from "../observe/log.js";
import { Daemon, loadVrrp, type StartConfig } from "./daemon.js";
import { exitCodeOf, exitCodes } from "./exit-codes.js";
import { killThisProcess } from "./last-resort.js";
import { acceptedConfigPath, logSinks, mainPidFile, type Options } from "./options.js";
import { type FirstResult, readConfigAtStart } from "./reload.js";
import type { Supervisor, SupervisorEvent } from "./signals.js";

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
export const loadAll = (): Promise<unknown> => loadVrrp();

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
  const { options, configFile, supervisor, hasLauncher, onEvents } = start;
  const say = log.log("Keepalived");
  if (start.takesOver)
    say("alert", "daemon.takeover", "The daemon before this one died: taking over with the state that it left");
  if (!(await claimPidFiles(options, supervisor, log))) return 0; // first: what is read is kept where another would keep its own
  const config = await readConfig(start, say);
  const daemon = new Daemon({ options, configFile, log, supervisor, hasLauncher }, config);
  await daemon.start();
  await new Promise<void>((resolve) => {
    onEvents((event) => {
      if (event.kind === "signal") void daemon.onSignal(event.name).then((end) => end === "stopped" && resolve());
      else if (event.kind === "lost") void daemon.stop().then(resolve);
    });
  });
  if (daemon.stuck()) await log.close().finally(killThisProcess);
  return 0;
}

/** A take-over must lose nothing: when the file was broken meanwhile, what was in force stays in force. @throws DaemonError */
async function readConfig(start: StartOptions, say: Log): Promise<StartConfig> {
  const { options, configFile, takesOver, configThread } = start;
  const copy = acceptedConfigPath(options);
  if (!takesOver) removeAccepted(copy); // of a daemon that was killed with its launcher
  const first = await read(start, takesOver ? "take-over" : "start", configThread);
  if (first.kind === "good") return taken(first, say);
  const before = takesOver ? readAnyAccepted(copy) : undefined;
  if (before !== undefined) {
    tellFindings(first, say);
    const sentence = `${configFile} has errors: going on with the configuration that was in force - correct it and reload`;
    say("error", "config.kept", sentence);
    return { config: before.config, keep: () => Promise.resolve({ edition: before.edition }) };
  }
  const second = first.kind === "errors" ? await read(start, "start") : first;
  if (second.kind === "good") return taken(second, say);
  const why = second.kind === "failed" ? ` (${second.why})` : "";
  const message = `Configuration file ${configFile} cannot be read${why} - correct the path given with -f`;
  throw new DaemonError("E_CONFIG_MISSING", message);
}

async function read(start: StartOptions, purpose: Purpose, thread?: Worker): Promise<FirstResult> {
  const { options, configFile, takesOver } = start;
  const order = {
    kind: "load",
    purpose,
    file: configFile,
    configId: options.configId,
    allIncludeChecks: options.allConfig,
    keepAt: acceptedConfigPath(options),
  } as const;
  if (takesOver) return readConfigAtStart(order, thread);
  const { readConfigHere } = await import("./read-at-start.js");
  return readConfigHere(order);
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
  const { daemons, pidFile, vrrpPidFile, checkersPidFile } = options;
  const say = log.log("Keepalived");
  const wanted = [
    mainPidFile({ pidFile }),
    daemons.vrrp ? vrrpPidFile : undefined,
    daemons.checker ? checkersPidFile : undefined,
  ];
  for (const path of wanted.filter((file) => file !== undefined)) {
    const verdict = await supervisor.pidFile(path);
    if (verdict.kind === "busy") {
      say("info", "daemon.already-running", "daemon is already running", { pid: verdict.pid, path });
      tellStarter(`daemon is already running (pid ${verdict.pid}, ${path})`, options);
      return false;
    }
    if (verdict.kind === "failed")
      say(
        "error",
        "pid-file.failed",
        `Cannot write pid file ${path} (errno ${verdict.errno}) - check the directory and its permissions`,
      );
  }
  return true;
}

/** A bug ends the process with its story in the log; the launcher starts the next one, which takes over the state. */
function dieOfBugs(log: OpenLog): void {
  process.on("uncaughtException", (error: unknown) => {
    const story = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.log("Keepalived")("alert", "daemon.bug", `Program error, starting again: ${story}`);
    void log.flush().finally(() => process.exit(exitCodes.programError));
  });
}
