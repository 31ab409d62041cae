import "./runtime-threads.js"; // first: nothing of ours has started a thread
import { closeSync, constants, existsSync, openSync, writeSync } from "node:fs";
import { DaemonError, errnoName } from "../errors.js";
import { startConfigThread } from "./config-thread.js";
import { exitCodeOf, exitCodes } from "./exit-codes.js";
import { controlSocketPath, defaultConfigFiles, type Options, parseOptions } from "./options.js";
import type { Supervisor, SupervisorEvent } from "./signals.js";
import { LauncherLink } from "./signals-launcher.js";
import { LocalSupervisor } from "./signals-local.js";
import { questionUsage, signum, usageText, versionText } from "./usage.js";
import { version } from "./version.js";

const hasLauncher = process.env["HOLDFAST_LAUNCHER"] === "1";
const isSpare = process.env["HOLDFAST_STANDBY"] === "1";
const name = process.env["HOLDFAST_NAME"] ?? "holdfast";
/** Of a daemon: any of them may hang. */
let hasThreads = false;

/** What the command line asks for. @returns the exit code; never returns while the daemon runs */
async function main(argv: readonly string[]): Promise<number> {
  const { options, errors, warnings } = parseOptions(argv, process.env);
  const { action } = options;
  const asksOnly = action.do === "usage" || action.do === "version" || action.do === "signum";
  // What a spare would say, the daemon before it has said.
  for (const line of asksOnly || isSpare ? [] : [...errors, ...warnings]) tell(line);
  if (errors.length > 0 && !asksOnly) return exitCodes.fatal;
  switch (action.do) {
    case "usage":
      return tell(action.of === undefined ? usageText(name) : questionUsage(name, action.of));
    case "version":
      return tell(versionText(name, version));
    case "signum":
      return printSignum(action.name);
    case "status":
      return status(options, options.statusJson);
    case "servers":
      return servers(options);
    case "upgrade":
      return upgrade(options);
    case "give-way":
      return giveWay(options);
    case "why":
      return why(options, action.instance, options.statusJson);
    case "config-test":
      return configTest(options, action.output);
    case "run":
      return run(options);
  }
}

function tell(line: string): number {
  process.stderr.write(line.endsWith("\n") ? line : `${line}\n`);
  return exitCodes.ok;
}

function printSignum(signal: string): number {
  const answer = signum(signal);
  if (answer.kind === "number") process.stdout.write(`${answer.value}\n`);
  else tell(answer.sentence);
  return answer.kind === "number" ? exitCodes.ok : exitCodes.fatal;
}

async function status(options: Options, json: boolean): Promise<number> {
  const { askStatus } = await import("./status-client.js");
  const { renderStatus } = await import("./status-render.js");
  const document = await askStatus(controlSocketPath(options));
  await print(json ? `${JSON.stringify(document)}\n` : renderStatus(document));
  return exitCodes.ok;
}

async function servers(options: Options): Promise<number> {
  const { askServers } = await import("./status-client.js");
  await print(`${await askServers(controlSocketPath(options))}\n`);
  return exitCodes.ok;
}

async function upgrade(options: Options): Promise<number> {
  const { askUpgrade, untilInService } = await import("./upgrade-client.js");
  const path = controlSocketPath(options);
  const { from, to } = await askUpgrade(path);
  await untilInService(path, to);
  await print(`Upgraded from ${from.version} (pid ${from.pid}) to ${to.version} (pid ${to.pid})\n`);
  return exitCodes.ok;
}

async function giveWay(options: Options): Promise<number> {
  const { askGiveWay, giveWaySentence } = await import("./give-way-client.js");
  await print(giveWaySentence(await askGiveWay(controlSocketPath(options))));
  return exitCodes.ok;
}

async function why(options: Options, instance: string, json: boolean): Promise<number> {
  const { askWhy } = await import("./status-client.js");
  const { renderWhy } = await import("./why-render.js");
  const { renderServersWhy } = await import("./why-servers-render.js");
  const document = await askWhy(controlSocketPath(options), instance);
  const text = (): string => ("virtualServers" in document ? renderServersWhy(document) : renderWhy(document));
  await print(json ? `${JSON.stringify(document)}\n` : text());
  return exitCodes.ok;
}

/** All of it: the process ends next, and a pipe takes 64 KiB at a time. Who closes the pipe has read enough. */
function print(text: string): Promise<void> {
  process.stdout.on("error", () => {}); // the write has it too
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error && errnoName(error) !== "EPIPE" ? reject(error) : resolve()));
  });
}

/** -t: reads the configuration as a start would, says what it found, touches nothing. */
async function configTest(options: Options, output: string | undefined): Promise<number> {
  const { createHost } = await import("../config/host.js");
  const { loadConfig } = await import("../config/load.js");
  const { renderDiagnostics, strictly, testExitCode } = await import("../config/report.js");
  const host = createHost({ configId: options.configId });
  const { config, ...result } = loadConfig(configFileOf(options), host, { allIncludeChecks: options.allConfig });
  const { diagnostics: found, missing } = result;
  if (await isTestedElsewhere(options.namespace ?? config?.process.netNamespace)) return exitCodes.ok;
  const diagnostics = options.strict ? strictly(found) : found;
  const text = renderDiagnostics(diagnostics);
  if (output === undefined) process.stderr.write(text);
  else append(output, text);
  return testExitCode({ diagnostics, missing });
}

/** Interfaces are those of the namespace. One that cannot be entered, as on another machine, is no error of the configuration. */
async function isTestedElsewhere(namespace: string | undefined): Promise<boolean> {
  if (!hasLauncher || namespace === undefined || namespace === process.env["HOLDFAST_NAMESPACE"]) return false;
  const { namespaceSentence } = await import("./namespace.js");
  using launcher = LauncherLink.inherit(() => undefined);
  const verdict = await launcher.enterNamespace(namespace);
  if (verdict.kind === "failed") tell(`${namespaceSentence(namespace, verdict.errno)}; interfaces are looked up here`);
  return verdict.kind === "ok"; // then the launcher runs this test once more
}

function append(path: string, text: string): void {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  writeSync(fd, text);
  closeSync(fd);
}

/** Without -f the first of keepalived's places that has a file; a message about none names the first. */
const configFileOf = ({ configFile }: Options): string =>
  configFile ?? defaultConfigFiles.find((file) => existsSync(file)) ?? defaultConfigFiles[0];

/** Until the daemon is there, what the launcher says waits here in order. */
class EventQueue {
  readonly #waiting: SupervisorEvent[] = [];
  #handler: ((event: SupervisorEvent) => void) | undefined;

  push(event: SupervisorEvent): void {
    if (this.#handler === undefined) this.#waiting.push(event);
    else this.#handler(event);
  }

  /** The next event alone; what follows waits again. */
  next(): Promise<SupervisorEvent> {
    return new Promise((resolve) => {
      const first = this.#waiting.shift();
      if (first !== undefined) return resolve(first);
      this.#handler = (event) => {
        this.#handler = undefined;
        resolve(event);
      };
    });
  }

  /** All events, from now on. */
  handle(handler: (event: SupervisorEvent) => void): void {
    this.#handler = handler;
    for (const event of this.#waiting.splice(0)) handler(event);
  }
}

async function run(options: Options): Promise<number> {
  const queue = new EventQueue();
  const onEvent = (event: SupervisorEvent): void => queue.push(event);
  using supervisor: Supervisor = hasLauncher ? LauncherLink.inherit(onEvent) : new LocalSupervisor(onEvent);
  const takesOver = isSpare || Number(process.env["HOLDFAST_RESTARTS"] ?? 0) > 0;
  const configThread = takesOver ? startConfigThread() : undefined; // first: it loads its code beside us
  const { startDaemon, loadAll } = await import("./start.js"); // the code; a spare stops here until it is needed
  hasThreads = true;
  if (isSpare) await loadAll();
  if (isSpare) await tellFitness(supervisor);
  if (isSpare && (await queue.next()).kind !== "go") return exitCodes.ok;
  return await startDaemon({
    options,
    configFile: configFileOf(options),
    supervisor,
    hasLauncher,
    takesOver,
    configThread,
    onEvents: (handler) => queue.handle(handler),
  });
}

/** Whether it can go on where another version ends. */
async function tellFitness(supervisor: Supervisor): Promise<void> {
  const { readStateHead, whyUnfit } = await import("./upgrade-fitness.js");
  const why = whyUnfit(process.env["HOLDFAST_PROTOCOL"], readStateHead());
  if (why === undefined) supervisor.loaded(version);
  else supervisor.unfit(why);
}

/** One line for whoever started us; a bug shows its stack. */
function fail(error: unknown): number {
  if (error instanceof DaemonError) {
    tell(`${name}: ${error.message}`);
    return exitCodeOf(error);
  }
  const code = errnoName(error);
  if (code === "EMFILE") {
    const remedy = "raise the limit of open files (ulimit -n, or LimitNOFILE= of the unit) to 1024 or more";
    tell(`${name}: Cannot start: too many open files (EMFILE) - ${remedy}`);
    return exitCodes.fatal;
  }
  tell(code === undefined && error instanceof Error ? String(error.stack) : `${name}: ${String(error)}`);
  return code === "EPERM" || code === "EACCES" ? exitCodes.permission : exitCodes.fatal;
}

const code = await main(process.argv.slice(2)).catch(fail);
if (hasThreads) (await import("./last-resort.js")).limitExit(code);
process.exit(code);
