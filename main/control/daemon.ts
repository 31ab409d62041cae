import { closeOnExecFrom, mapShared } from "../../native-bindings/process.js";
import { lockMemory, readThread } from "../../native-bindings/scheduling.js";
import { removeAccepted } from "../config/accepted.js";
import type { Edition, Kept } from "../config/config-protocol.js";
import type { Config } from "../config/model.js";
import { DeadlineClock } from "../deadline-clock.js";
import { DaemonError } from "../errors.js";
import type { ServerEvent } from "../health/effects.js";
import { inSlices } from "../health/slices.js";
import { openFifo } from "../notify/fifo-file.js";
import { Fifos } from "../notify/fifos.js";
import { MailThread } from "../notify/mail-thread.js";
import { Mailer } from "../notify/mailer.js";
import { Notifier } from "../notify/notifier.js";
import { openScriptRunner } from "../notify/open-script-runner.js";
import type { OpenLog } from "../observe/create-log.js";
import { DumpFiles, dumpDirectory } from "../observe/dump-files.js";
import { LateWatch, lateSentence } from "../observe/lateness.js";
import type { Log } from "../observe/log.js";
import { LoopDelay, LoopWatch } from "../observe/loop-delay.js";
import { Pauses } from "../observe/pauses.js";
import { hurry } from "../turn.js";
import { type Milliseconds, ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import { ControlSocket } from "./control-socket.js";
import { fifoSettings } from "./fifo-settings.js";
import { killThisProcess } from "./last-resort.js";
import { LastingState } from "./lasting-state.js";
import { secretsOf } from "./log-secrets.js";
import { LvsSide, type LvsSideDeps } from "./lvs-side.js";
import { acceptedConfigPath, controlSocketPath, type Options } from "./options.js";
import { QuietCollection } from "./quiet-collection.js";
import { type AsideResult, readConfigAside } from "./reload.js";
import { Scheduling } from "./scheduling.js";
import { requestOf, type SignalName, type Supervisor } from "./signals.js";
import { compileAsUsual } from "./start-compiler.js";
import { StateSlab } from "./state-slab.js";
import { StatusReporter } from "./status-reporter.js";
import { startSentence, stopSentence } from "./usage.js";
import type { VrrpSide } from "./vrrp-side.js";

export interface DaemonDeps {
  readonly options: Options;
  readonly configFile: string;
  readonly log: OpenLog;
  readonly supervisor: Supervisor;
  /** Started again by the launcher, after a crash of the daemon before this one. */
  readonly hasLauncher: boolean;
}

/** What it begins with, and the copy of that. */
export interface StartConfig {
  readonly config: Config;
  /** Called once, when the start is over. */
  readonly keep: () => Promise<Kept>;
}

/** The launcher's state memfd (PROTOCOL.md) and its size, as the launcher made it. */
const STATE_FD = 4;
const STATE_BYTES = 8 * 1024 * 1024;
/** First descriptor that is not standard input, output or error. */
const FIRST_FD = 3;
const HEARTBEAT_MS = 500;
/** What caused a late timer is looked at this much later: collections of garbage are reported in a turn of their own. */
const EXPLAIN_AFTER_MS = 20;
/** keepalived gives scripts and mail this long at the end. */
const FAREWELL = ms(1000);
/** Readers of notify FIFOs see the end of the pipe, and leave by themselves. */
const READERS_END = ms(250);

/** The composition root: owns every part, wires events to effects, and knows in which order to begin and to end. */
export class Daemon {
  readonly #deps: DaemonDeps;
  readonly #log: Log;
  readonly #loopDelay: LoopDelay;
  readonly #clock: DeadlineClock;
  readonly #pauses: Pauses;
  readonly #lateWatch: LateWatch;
  readonly #scheduling: Scheduling;
  readonly #state: Buffer;
  readonly #lasting: LastingState;
  readonly #scripts: ReturnType<typeof openScriptRunner>;
  readonly #mailer: Mailer;
  readonly #fifos: Fifos;
  readonly #notifier: Notifier;
  readonly #dumpFiles: DumpFiles;
  readonly #keep: StartConfig["keep"];
  #config: Config;
  /** Of `#config`, when there is a copy of it. */
  #edition: Edition | undefined;
  #vrrp: VrrpSide | undefined;
  #lvs: LvsSide | undefined;
  #control: ControlSocket | undefined;
  readonly #collection = new QuietCollection();
  #heartbeat: NodeJS.Timeout | undefined;
  #stuckThread: "none" | "told" = "none";
  #work: Promise<void> = Promise.resolve();
  #reloadsWaiting = 0;
  /** A stop does not wait for a configuration that is still being read. */
  readonly #leaving = new AbortController();
  #phase: "starting" | "running" | "stopping" = "starting";

  constructor(deps: DaemonDeps, { config, keep }: StartConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#keep = keep;
    this.#log = deps.log.log("Keepalived");
    const { lateTimerWarning } = config.global.processes;
    this.#scheduling = new Scheduling(this.#log);
    this.#loopDelay = new LoopDelay(lateTimerWarning);
    this.#clock = new DeadlineClock((late, now) => this.#onTimer(late, now));
    this.#pauses = new Pauses(() => this.#clock.now());
    this.#lateWatch = this.#watchLateness(lateTimerWarning);
    this.#state = stateMemory(deps.hasLauncher);
    this.#lasting = new LastingState(new StateSlab(this.#state));
    this.#scripts = openScriptRunner(this.#clock);
    this.#mailer = new Mailer(
      () => this.#scheduling.unpinned(() => new MailThread(this.#clock)),
      this.#log,
      this.#clock,
    );
    this.#fifos = new Fifos({
      open: openFifo,
      run: (...order) => this.#scripts.run(...order),
      log: deps.log.log("Keepalived_vrrp"),
      clock: this.#clock,
    });
    this.#notifier = new Notifier(this.#scripts, this.#mailer, this.#log, this.#clock, this.#fifos);
    this.#dumpFiles = new DumpFiles(dumpDirectory(process.env["TMPDIR"]), this.#umask);
  }

  /** Resolves when it serves. @throws DaemonError or a system error when it cannot */
  async start(): Promise<void> {
    closeOnExecFrom(FIRST_FD);
    process.on("SIGXCPU", () => this.#scheduling.onLimit(this.#clock.now()));
    this.#log("info", "daemon.start", startSentence());
    this.#configure(this.#config);
    await this.#startVrrp(); // first: after a crash a master has little time to be back
    using _haste = this.#vrrp === undefined ? hurry() : undefined;
    await this.#startLvs().catch((error: unknown) => this.#giveUp(error));
    if (this.#vrrp === undefined && this.#lvs === undefined)
      this.#log("warning", "daemon.idle", "Warning - keepalived has no configuration to run");
    await this.#openControl();
    this.#beat();
    this.#deps.supervisor.ready();
    this.#log("info", "daemon.ready", "Startup complete");
    this.#collection.soon(this.#vrrp === undefined);
    this.#phase = "running";
    compileAsUsual();
    this.#work = this.#keep().then((copy) => {
      if (this.#phase === "stopping") return;
      this.#noteKept(copy);
      this.#vrrp?.releaseLeft(copy.left ?? []);
    });
  }

  /** What VRRP has put on the host does not outlive a start that fails. */
  async #giveUp(error: unknown): Promise<never> {
    if (error instanceof DaemonError) await this.#vrrp?.stop(!this.#deps.options.dontReleaseVrrp);
    throw error;
  }

  /** A signal, in the order of arrival. @returns a promise that resolves when a stop has been carried out */
  async onSignal(name: SignalName): Promise<"stopped" | undefined> {
    const request = requestOf(name, this.#deps.options.ignoreSigint);
    switch (request) {
      case "reload":
        this.#queueReload();
        return undefined;
      case "stop":
        await this.stop();
        return "stopped";
      case "dump-threads":
      case "ignore":
        return undefined;
      case "dump-data":
      case "dump-stats":
      case "dump-stats-and-clear":
      case "dump-json": {
        const { writeDump } = await import("./dumps.js");
        const of = { config: this.#config, vrrp: this.#vrrp, lvs: this.#lvs };
        await writeDump(request, this.#dumpFiles, of, this.#log);
        return undefined;
      }
      default:
        return unreachable(request);
    }
  }

  /** Leaves cleanly: good-bye adverts first, then addresses and IPVS entries, then scripts and mail get their second. */
  async stop(): Promise<void> {
    if (this.#phase === "stopping") return this.#work;
    this.#phase = "stopping";
    this.#leaving.abort();
    const { options, supervisor } = this.#deps;
    supervisor.stopping();
    this.#log("info", "daemon.stopping", "Stopping");
    clearInterval(this.#heartbeat);
    this.#work = this.#work.then(async () => {
      await this.#vrrp?.stop(!options.dontReleaseVrrp);
      await this.#lvs?.stop(!options.dontReleaseIpvs);
      await Promise.all([
        this.#notifier.settle(FAREWELL),
        this.#mailer.settle(FAREWELL),
        this.#fifos.stop(READERS_END),
      ]);
      await this.#scripts.stop();
      await this.#control?.[Symbol.asyncDispose]();
      this.#mailer[Symbol.dispose]();
      this.#collection[Symbol.dispose]();
      this.#loopDelay[Symbol.dispose]();
      this.#pauses[Symbol.dispose]();
      this.#clock[Symbol.dispose]();
      removeAccepted(acceptedConfigPath(options));
      this.#log("info", "daemon.stopped", stopSentence());
    });
    return this.#work;
  }

  #onTimer(late: Milliseconds, now: Milliseconds): void {
    this.#loopDelay.late(late);
    this.#lateWatch.ran(late, now);
    this.#scheduling.wasLate(late);
  }

  #watchLateness(threshold: Milliseconds): LateWatch {
    return new LateWatch(threshold, {
      read: readThread,
      garbageSince: (time) => this.#pauses.garbageSince(time),
      continuedSince: (time) => this.#pauses.continuedSince(time),
      later: (fn) => setTimeout(fn, EXPLAIN_AFTER_MS).unref(),
      say: (late) => {
        this.#loopDelay.explained(late, Date.now());
        const { overdue, cause, timers, lasted } = late;
        this.#log("warning", "timer.late", lateSentence(late), { late: overdue, cause, timers, lasted });
      },
    });
  }

  #configure(config: Config): void {
    this.#config = config;
    const { processes } = config.global;
    this.#loopDelay.threshold = this.#lateWatch.threshold = processes.lateTimerWarning;
    this.#scheduling.configure(processes);
    this.#scheduling.keepInMemory(processes, [this.#state], lockMemory);
    this.#deps.log.setSecrets(config.vrrpInstances.flatMap(secretsOf));
    const { routerId, mail, alerts } = config.global;
    this.#mailer.configure({ routerId, mail });
    this.#notifier.configure(alerts.faults);
    this.#dumpFiles.configure(this.#umask);
    this.#fifos.configure(fifoSettings(config, this.#deps.options.daemons, this.#umask));
  }

  /** The command line wins over the keyword. */
  get #umask(): number {
    return this.#deps.options.umask ?? this.#config.global.processes.umask;
  }

  async #startVrrp(): Promise<void> {
    if (!this.#deps.options.daemons.vrrp || !hasVrrp(this.#config)) return;
    compileAsUsual(); // the first election is to be as fast as the others: docs/decisions/0004-rehearsal.md
    const { VrrpSide } = await loadVrrp();
    const log = this.#deps.log.log("Keepalived_vrrp");
    const [clock, scripts, notifier, lasting] = [this.#clock, this.#scripts, this.#notifier, this.#lasting];
    const unpinned = <T>(start: () => T): T => this.#scheduling.unpinned(start);
    this.#vrrp = await VrrpSide.open({ clock, log, scripts, notifier, lasting, unpinned });
    await this.#vrrp.start(this.#config);
  }

  async #startLvs(): Promise<void> {
    const { options } = this.#deps;
    if (!options.daemons.checker || this.#config.virtualServers.length === 0) return;
    const log = this.#deps.log.log("Keepalived_healthcheckers");
    const deps = { clock: this.#clock, log, lasting: this.#lasting, ipvs: options.ipvs };
    this.#lvs = await LvsSide.open({ ...deps, ...this.#lvsEvents() }, this.#config);
    await this.#lvs.start();
  }

  #lvsEvents(): Pick<LvsSideDeps, "onServerEvent" | "onCheckerThread"> {
    return {
      onServerEvent: (event) => this.#onServerEvent(event),
      onCheckerThread: (shard, thread) => this.#scheduling.checkerStarted(shard, thread),
    };
  }

  async #openControl(): Promise<void> {
    const { options, log } = this.#deps;
    const path = controlSocketPath(options);
    const reporter = new StatusReporter(this.#loopDelay, log);
    try {
      this.#control = await ControlSocket.open(
        path,
        () => reporter.document(this.#vrrp, this.#lvs),
        (instance) => this.#vrrp?.why(instance) ?? { known: [] },
      );
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      this.#log("error", "control.unavailable", `${error.message}; the daemon runs without it`, { code: error.code });
    }
  }

  #beat(): void {
    const beat = (): void => {
      if (this.stuck()) this.#onStuck();
      if (this.#lvs?.alive() !== false) this.#deps.supervisor.alive();
    };
    beat();
    this.#heartbeat = setInterval(beat, HEARTBEAT_MS);
  }

  /** A checker thread hangs in native code: `process.exit` would wait for it for ever. */
  stuck(): boolean {
    return this.#lvs?.stuck() === true;
  }

  /** Other threads do its checks, but it keeps its sockets, maybe a processor. The next daemon goes on with the states of this one. */
  #onStuck(): void {
    if (this.#stuckThread === "told") return;
    this.#stuckThread = "told";
    const restarts = this.#deps.hasLauncher && !this.#deps.options.dontRespawn;
    const sentence = "A checker thread hangs and cannot be ended";
    const then = restarts
      ? "starting again with the states as they are"
      : "its checks go on elsewhere, restart when possible";
    this.#log("alert", "checks.thread-stuck", `${sentence}: ${then}`);
    if (restarts) void this.#deps.log.flush().finally(killThisProcess);
  }

  #onServerEvent(event: ServerEvent): void {
    switch (event.kind) {
      case "check":
        this.#mailer.send({ about: "health", ...event.mail });
        return;
      case "real-server":
        this.#notifier.notify(event);
        return;
      case "virtual-server":
        this.#notifier.notify(event);
        if (event.mail !== undefined) this.#mailer.send({ about: "health", ...event.mail });
        return;
      default:
        unreachable(event);
    }
  }

  /** One reload at a time; of several that were asked for meanwhile one is enough. */
  #queueReload(): void {
    if (this.#phase === "stopping" || this.#reloadsWaiting > 0) return;
    this.#reloadsWaiting += 1;
    this.#work = this.#work.then(() => {
      this.#reloadsWaiting -= 1;
      return this.#phase === "stopping" ? undefined : this.#reload();
    });
  }

  /** The copy is what a take-over falls back on, and what the next reload compares with. */
  #noteKept(kept: Kept): void {
    this.#edition = kept.edition;
    if (kept.edition !== undefined || kept.reason === undefined) return;
    const path = acceptedConfigPath(this.#deps.options);
    const { reason } = kept;
    const sentence = `Cannot keep a copy of the configuration at ${path}: ${reason} - a crash after a refused reload would lose it`;
    this.#log("warning", "config.not-kept", sentence, { reason });
  }

  async #reload(): Promise<void> {
    const { supervisor, configFile: file, options } = this.#deps;
    supervisor.reloading();
    this.#collection.wait();
    this.#log("info", "reload.start", "Reloading ...");
    using watch = new LoopWatch();
    const order = {
      kind: "load",
      purpose: "reload",
      file,
      configId: options.configId,
      allIncludeChecks: options.allConfig,
      keepAt: acceptedConfigPath(options),
      running: this.#edition,
    } as const;
    const answer = await this.#scheduling.unpinned(() =>
      readConfigAside(order, this.#config, { signal: this.#leaving.signal }),
    );
    if (this.#leaving.signal.aborted) return;
    if (answer.kind === "good") await this.#adopt(answer, watch).catch((error: unknown) => this.#incomplete(error));
    else await this.#refuse(answer);
    this.#collection.soon();
    supervisor.reloaded();
  }

  async #adopt({ config, kept, findings }: Extract<AsideResult, { kind: "good" }>, watch: LoopWatch): Promise<void> {
    await this.#tell("warning", findings);
    this.#noteKept(kept);
    this.#configure(config);
    if (this.#vrrp === undefined) await this.#startVrrp();
    else await this.#vrrp.reload(config);
    if (this.#lvs === undefined) await this.#startLvs();
    else await this.#lvs.reload(config);
    this.#log("info", "reload.complete", "Reload complete", { longestWait: watch.longest });
  }

  async #tell(level: "warning" | "error", findings: readonly string[]): Promise<void> {
    const log = this.#log;
    await inSlices(
      (function* () {
        for (const line of findings) yield log(level, "config.finding", line);
      })(),
    );
  }

  /** What ends a start, for instance a kernel without IPVS, must not take from a running daemon what it serves. */
  #incomplete(error: unknown): void {
    if (!(error instanceof DaemonError)) throw error;
    const sentence = `Reload incomplete: ${error.message}; the rest of the new configuration is in force - then reload again`;
    this.#log("error", "reload.incomplete", sentence);
  }

  async #refuse(answer: Exclude<AsideResult, { kind: "good" }>): Promise<void> {
    if (answer.kind !== "failed") await this.#tell("error", answer.findings);
    const sentence = `New config failed validation (${reasonOf(answer)}): the running configuration stays in force - correct ${this.#deps.configFile} and reload again`;
    this.#log("error", "reload.refused", sentence);
  }
}

function reasonOf(answer: Exclude<AsideResult, { kind: "good" }>): string {
  if (answer.kind === "failed") return `reading it failed: ${answer.why}`;
  return answer.kind === "missing" ? "it cannot be read" : "see above";
}

/**
 * Code that only a daemon with virtual routers needs, or needs early: what comes of other packages loads in one piece of up to 20 ms
 * each, which nobody minds before the first advert.
 */
export async function loadVrrp(): Promise<typeof import("./vrrp-side.js")> {
  const [side] = await Promise.all([import("./vrrp-side.js"), import("../health/pool.js"), import("hdr-histogram-js")]);
  return side;
}

/** Static entries are the business of VRRP, with or without instances. */
function hasVrrp({ vrrpInstances, staticEntries: { addresses, routes, rules } }: Config): boolean {
  return vrrpInstances.length + addresses.length + routes.length + rules.length > 0;
}

/** Without a launcher nothing outlives the process. */
const stateMemory = (hasLauncher: boolean): Buffer =>
  hasLauncher ? mapShared(STATE_FD, STATE_BYTES) : Buffer.alloc(STATE_BYTES);
