import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { closeOnExecFrom } from "../../native-bindings/process.js";
import { lockMemory, readThread } from "../../native-bindings/scheduling.js";
import { copyBefore, removeAccepted } from "../config/accepted.js";
import type { Edition, Kept } from "../config/config-protocol.js";
import type { Config, VrrpInstanceConfig } from "../config/model.js";
import { DeadlineClock } from "../deadline-clock.js";
import { DaemonError, errnoName } from "../errors.js";
import type { ServerEvent } from "../health/effects.js";
import { inSlices } from "../health/slices.js";
import { openFifo } from "../notify/fifo-file.js";
import { Fifos } from "../notify/fifos.js";
import { type LifecycleDeps, runLifecycleScript } from "../notify/lifecycle-script.js";
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
import { type StormLog, stormLog } from "../observe/storm-log.js";
import { hurry } from "../turn.js";
import { type Milliseconds, ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import { DiskTrackFiles } from "../vrrp/track-file-host.js";
import { refusalsOf, unlessAborted } from "./aside-work.js";
import type { BfdSide } from "./bfd-side.js";
import { ControlSocket } from "./control-socket.js";
import { endsWithin } from "./ends-within.js";
import { fifoSettings } from "./fifo-settings.js";
import { IpvsSettings } from "./ipvs-settings.js";
import { killThisProcess } from "./last-resort.js";
import { LastingState } from "./lasting-state.js";
import { secretsOf } from "./log-secrets.js";
import type { LvsSide, LvsSideDeps } from "./lvs-side.js";
import { acceptedConfigPath, controlSocketPath, daemonId, mainPidFile, type Options, ownPidFiles } from "./options.js";
import { PidFileWatch } from "./pid-file-watch.js";
import { procProcesses } from "./proc-processes.js";
import { namesInProc, processNames, ThreadNames } from "./process-names.js";
import { QuietCollection } from "./quiet-collection.js";
import { type AsideResult, readConfigAside } from "./reload.js";
import { reloadMarkerPath, unmark, whileMarked } from "./reload-marker.js";
import { ScheduledReload } from "./scheduled-reload.js";
import { Scheduling } from "./scheduling.js";
import { serversText } from "./servers-view.js";
import { requestOf, type SignalName, type Supervisor } from "./signals.js";
import { compileAsUsual } from "./start-compiler.js";
import { StateMemory } from "./state-memory.js";
import { PiecesOfState } from "./state-pieces.js";
import { StatusReporter } from "./status-reporter.js";
import type { TakeOver } from "./take-over.js";
import { isAwaited, type UpgradeAnswer, upgradeBy } from "./upgrade.js";
import { commandSentence, hostSentence, startSentence, stopSentence, usageSentence } from "./usage.js";
import { version } from "./version.js";
import type { VrrpSide, VrrpSideDeps } from "./vrrp-side.js";
import { WayForKeepalived } from "./way-for-keepalived.js";
import type { WhyAnswer, WhyDocument } from "./why.js";
import type { ServersWhy } from "./why-servers.js";

export interface DaemonDeps {
  readonly options: Options;
  readonly configFile: string;
  readonly log: OpenLog;
  readonly supervisor: Supervisor;
  /** Started again by the launcher, after a crash of the daemon before this one. */
  readonly hasLauncher: boolean;
  /** Of a keepalived that runs. */
  readonly takeOver?: TakeOver | undefined;
}

/** What it begins with, and the copy of that. */
export interface StartConfig {
  readonly config: Config;
  /** Called once, when the start is over. A stop waits for no copy: with `leaving` aborted there is to be none. */
  readonly keep: (leaving: AbortSignal) => Promise<Kept>;
}

/** First descriptor that is not standard input, output or error. */
const FIRST_FD = 3;
const HEARTBEAT_MS = 500;
/** What caused a late timer is looked at this much later: collections of garbage are reported in a turn of their own. */
const EXPLAIN_AFTER_MS = 20;
/** For config_save_dir. */
const SAVE_LIMIT_MS = 2000;
/** keepalived gives scripts and mail this long at the end. */
const FAREWELL = ms(1000);
/** Whoever asked for an upgrade has the answer in its socket. */
const ANSWER_MS = 50;
/** Readers of notify FIFOs see the end of the pipe, and leave by themselves. */
const READERS_END = ms(250);
/** Threads that read files, unless a disk hangs. */
const THREADS_END = ms(500);

/** The composition root: owns every part, wires events to effects, and knows in which order to begin and to end. */
export class Daemon {
  readonly #deps: DaemonDeps;
  readonly #log: Log;
  /** Of servers and their scripts, which may fall by the thousand. */
  readonly #serverLog: StormLog;
  readonly #scriptLog: StormLog;
  readonly #loopDelay: LoopDelay;
  readonly #clock: DeadlineClock;
  readonly #pauses: Pauses;
  readonly #lateWatch: LateWatch;
  readonly #scheduling: Scheduling;
  readonly #names: ThreadNames;
  readonly #state: PiecesOfState;
  readonly #lasting: LastingState;
  readonly #scripts: ReturnType<typeof openScriptRunner>;
  readonly #mailer: Mailer;
  readonly #fifos: Fifos;
  readonly #notifier: Notifier;
  readonly #dumpFiles: DumpFiles;
  readonly #ipvsSettings: IpvsSettings;
  readonly #scheduled: ScheduledReload;
  /** Of FILE_CHECK and reload_time_file. */
  readonly #files: DiskTrackFiles;
  #hangs: boolean = false;
  readonly #keep: StartConfig["keep"];
  #config: Config;
  /** Of `#config`, when there is a copy of it. */
  #edition: Edition | undefined;
  #vrrp: VrrpSide | undefined;
  #lvs: LvsSide | undefined;
  #bfd: BfdSide | undefined;
  #control: ControlSocket | undefined;
  #pidFiles: PidFileWatch | undefined;
  readonly #collection = new QuietCollection();
  #heartbeat: NodeJS.Timeout | undefined;
  readonly #way: WayForKeepalived;
  #stuckThread: "none" | "told" = "none";
  #work: Promise<void> = Promise.resolve();
  #reloadsWaiting = 0;
  /** So many have been carried out. */
  #reloads = 0;
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
    this.#names = new ThreadNames({ ...namesInProc, nameLauncher: (name) => deps.supervisor.name(name) });
    this.#loopDelay = new LoopDelay(lateTimerWarning);
    this.#clock = new DeadlineClock((late, now) => this.#onTimer(late, now));
    this.#serverLog = stormLog(deps.log.log("Keepalived_healthcheckers"), this.#clock);
    this.#scriptLog = stormLog(this.#log, this.#clock);
    this.#way = new WayForKeepalived({
      ...{ clock: this.#clock, log: this.#log, supervisor: deps.supervisor },
      processes: procProcesses,
      pidFiles: ownPidFiles(deps.options),
      keep: (keeps) => this.#vrrp?.keep(keeps),
    });
    this.#pauses = new Pauses(() => this.#clock.now());
    this.#lateWatch = this.#watchLateness(lateTimerWarning);
    this.#state = new PiecesOfState(deps.hasLauncher);
    this.#lasting = new LastingState(this.#stateMemory());
    this.#scripts = openScriptRunner(this.#clock);
    this.#mailer = new Mailer(
      () => this.#scheduling.unpinned(() => new MailThread(this.#clock)),
      this.#log,
      this.#clock,
    );
    this.#fifos = new Fifos({
      open: (wish) => openFifo(wish, this.#lasting),
      run: (...order) => this.#scripts.run(...order),
      log: deps.log.log("Keepalived_vrrp"),
      clock: this.#clock,
    });
    this.#notifier = new Notifier(this.#scripts, this.#mailer, this.#scriptLog, this.#clock, this.#fifos);
    this.#ipvsSettings = this.#makeIpvsSettings();
    this.#dumpFiles = new DumpFiles(dumpDirectory(process.env["TMPDIR"]), this.#umask);
    this.#files = new DiskTrackFiles(this.#clock, (start) => this.#scheduling.unpinned(start));
    this.#scheduled = new ScheduledReload({
      clock: this.#clock,
      files: this.#files,
      today: () => Date.now(),
      remove: (path) => void unmark(path),
      reload: () => this.#queueReload(),
      log: this.#log,
    });
  }

  /**
   * Resolves when it serves, or when `asked` to stop while its startup script still ran: nothing has begun then.
   * @throws DaemonError or a system error when it cannot
   */
  async start({ takesOver, asked }: { readonly takesOver: boolean; readonly asked: AbortSignal }): Promise<void> {
    closeOnExecFrom(FIRST_FD);
    process.on("SIGXCPU", () => this.#scheduling.onLimit(this.#clock.now()));
    const name = process.env["HOLDFAST_NAME"] ?? "holdfast";
    for (const line of [startSentence(), hostSentence(), commandSentence(name, process.argv.slice(2))])
      this.#log("info", "daemon.start", line);
    this.#configure(this.#config);
    void unmark(this.#reloadMarker);
    if (!takesOver && !(await this.#runStartupScript(asked))) return;
    await this.#startBfd(); // its sessions need a second to come up, and hold up nobody
    await this.#startVrrp(); // first: after a crash a master has little time to be back
    const settings = this.#ipvsSettings.apply(this.#config);
    using _haste = this.#vrrp === undefined ? hurry() : undefined;
    await this.#deps.takeOver?.end(); // VRRP has seen to it, if there is any
    await this.#startLvs().catch((error: unknown) => this.#giveUp(error));
    await settings;
    this.#bfd?.tellAll();
    if (this.#vrrp === undefined && this.#lvs === undefined)
      this.#log("warning", "daemon.idle", "Warning - keepalived has no configuration to run");
    await this.#openControl();
    this.#pidFiles = this.#watchPidFiles();
    this.#beat();
    this.#deps.supervisor.ready();
    this.#log("info", "daemon.ready", "Startup complete");
    if (this.#deps.options.dumpConfig) void this.#logConfiguration();
    this.#collection.soon(this.#vrrp === undefined);
    this.#phase = "running";
    this.#scheduled.configure(this.#config.global.reload);
    compileAsUsual();
    this.#work = unlessAborted(this.#leaving.signal, this.#afterCopy());
  }

  async #logConfiguration(): Promise<void> {
    const { logConfiguration } = await import("./config-log.js");
    const of = { config: this.#config, vrrp: this.#vrrp, lvs: this.#lvs, bfd: this.#bfd };
    await logConfiguration(of, { say: this.#log, flush: () => this.#deps.log.flush() });
  }

  async #afterCopy(): Promise<void> {
    const copy = await this.#keep(this.#leaving.signal);
    if (this.#phase === "stopping") return;
    this.#noteKept(copy);
    const refusals = await refusalsOf([() => this.#releaseLeft(copy.left ?? [])]);
    for (const { message } of refusals)
      this.#log("error", "take-over.left", `Addresses of earlier virtual routers may stay: ${message}`);
    if (refusals.length === 0) await this.#forgetBefore();
  }

  /** What the daemon before this one put on the host for virtual routers that nobody configures any more, all of them maybe. */
  async #releaseLeft(left: readonly VrrpInstanceConfig[]): Promise<void> {
    if (left.length > 0 && this.#vrrp === undefined) await this.#startVrrp("for what is left");
    await this.#vrrp?.releaseLeft(left);
  }

  /** What was in force before is off the host, and need not be known any more (main/config/accepted.ts). */
  async #forgetBefore(): Promise<void> {
    await this.#vrrp?.settled();
    await rm(copyBefore(acceptedConfigPath(this.#deps.options)), { force: true }).catch((error: unknown) => {
      if (errnoName(error) === undefined) throw error; // else the next reload says why
    });
  }

  /** @returns false when the daemon was asked to stop meanwhile */
  async #runStartupScript(asked: AbortSignal): Promise<boolean> {
    const { startup, startupTimeout } = this.#config.global.scripts;
    if (startup === undefined) return true;
    await runLifecycleScript("startup", startup, startupTimeout, { ...this.#lifecycleDeps, signal: asked });
    return !asked.aborted;
  }

  async #runShutdownScript(): Promise<void> {
    const { shutdown, shutdownTimeout } = this.#config.global.scripts;
    if (shutdown === undefined) return;
    await runLifecycleScript("shutdown", shutdown, shutdownTimeout, this.#lifecycleDeps);
  }

  get #lifecycleDeps(): LifecycleDeps {
    return { scripts: this.#scripts, clock: this.#clock, log: this.#log };
  }

  get #reloadMarker(): string | undefined {
    const { global, process } = this.#config;
    return reloadMarkerPath(global.reload, process, mainPidFile(this.#deps.options));
  }

  /** What VRRP has put on the host does not outlive a start that fails. */
  async #giveUp(error: unknown): Promise<never> {
    if (error instanceof DaemonError) {
      await this.#vrrp?.stop(!this.#deps.options.dontReleaseVrrp);
      await this.#ipvsSettings.stop(!this.#deps.options.dontReleaseIpvs);
    }
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
        await this.#way.mayStop();
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
        const of = { config: this.#config, vrrp: this.#vrrp, lvs: this.#lvs, bfd: this.#bfd };
        await writeDump(request, this.#dumpFiles, of, this.#log);
        return undefined;
      }
      default:
        return unreachable(request);
    }
  }

  /** Resolves when a keepalived has taken our place (`holdfast give-way`). */
  gaveWay(): Promise<void> {
    return this.#way.served;
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
    this.#pidFiles?.[Symbol.dispose]();
    this.#work = this.#work.then(async () => {
      const left = this.#leave();
      if (!(await endsWithin(left, this.#config.process.childWaitTime)))
        this.#log("error", "daemon.forced", "The daemon failed to stop within child_wait_time - forcing termination");
      await this.#runShutdownScript();
      await this.#control?.[Symbol.asyncDispose]();
      this.#scheduled[Symbol.dispose]();
      this.#hangs = await this.#files.hangs(THREADS_END);
      this.#mailer[Symbol.dispose]();
      this.#collection[Symbol.dispose]();
      this.#loopDelay[Symbol.dispose]();
      this.#pauses[Symbol.dispose]();
      this.#clock[Symbol.dispose]();
      removeAccepted(acceptedConfigPath(options));
      if (this.#log.detail) this.#log("info", "daemon.usage", usageSentence(process.cpuUsage()));
      this.#log("info", "daemon.stopped", stopSentence());
    });
    return this.#work;
  }

  async #leave(): Promise<void> {
    const { options } = this.#deps;
    this.#ipvsSettings.leave();
    const { leavesAll } = this.#way;
    const releasesIpvs = !leavesAll && !options.dontReleaseIpvs;
    await this.#vrrp?.stop(!leavesAll && !options.dontReleaseVrrp);
    this.#bfd?.stop();
    await this.#lvs?.stop(releasesIpvs);
    await this.#ipvsSettings.stop(releasesIpvs);
    await Promise.all([this.#notifier.settle(FAREWELL), this.#mailer.settle(FAREWELL), this.#fifos.stop(READERS_END)]);
    await this.#scripts.stop();
    for (const log of [this.#serverLog, this.#scriptLog]) log.flush();
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
    this.#names.configure(processNames(processes, this.#deps.options.daemons.vrrp && hasVrrp(config)));
    this.#scheduling.keepInMemory(processes, this.#state.mapped, lockMemory);
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

  /** Before those who follow its sessions: they begin down. */
  async #startBfd(): Promise<void> {
    if (!this.#deps.options.daemons.bfd || this.#config.bfdInstances.length === 0) return;
    const { BfdSide } = await import("./bfd-side.js");
    this.#bfd = new BfdSide({
      clock: this.#clock,
      log: this.#deps.log.log("Keepalived_bfd"),
      memory: this.#lasting.bfd,
      onVrrp: (name, state) => this.#vrrp?.setBfd(name, state),
      onChecker: (name, state) => this.#lvs?.setBfd(name, state),
    });
    this.#bfd.apply(this.#config);
  }

  async #startVrrp(why: "configured" | "for what is left" = "configured"): Promise<void> {
    if (!this.#deps.options.daemons.vrrp || (why === "configured" && !hasVrrp(this.#config))) return;
    const { VrrpSide } = await loadVrrp();
    const log = this.#deps.log.log("Keepalived_vrrp");
    const [clock, scripts, notifier, lasting] = [this.#clock, this.#scripts, this.#notifier, this.#lasting];
    const unpinned = <T>(start: () => T): T => this.#scheduling.unpinned(start);
    const onState = (instance: string): void => this.#ipvsSettings.onTransition(instance);
    const { buffers } = this.#config.global;
    const hasBfd = this.#bfd !== undefined;
    const owner = daemonId(this.#deps.options);
    const tellsAddresses = this.#deps.options.addressMonitoring;
    const more = { unpinned, buffers, hasBfd, tellsAddresses, owner, beforeStart: this.#takesVrrp() };
    this.#vrrp = await VrrpSide.open({ clock, log, scripts, notifier, lasting, onState, ...more });
    this.#bfd?.tellAll(); // what is up already is no fault to begin with
    if (this.#deps.options.daemons.checker && this.#config.virtualServers.length > 0) {
      const { lostQuorums } = await import("./known-quorums.js");
      for (const name of lostQuorums(this.#config, lasting.quorums)) this.#vrrp.setQuorum(name, "down");
    }
    await this.#vrrp.start(this.#config);
    compileAsUsual(); // the first election is to be as fast as the others: docs/decisions/0004-rehearsal.md
    await loadLvs();
  }

  /** A reload takes nothing over. */
  get #takeOver(): TakeOver | undefined {
    return this.#phase === "starting" ? this.#deps.takeOver : undefined;
  }

  #takesVrrp(): VrrpSideDeps["beforeStart"] {
    const takeOver = this.#takeOver;
    const [lasting, now] = [this.#lasting, () => this.#clock.now()];
    return takeOver && ((placed, network) => takeOver.takeVrrp(placed.vrrpInstances, network, { lasting, now }));
  }

  async #startLvs(): Promise<void> {
    const { options } = this.#deps;
    if (!options.daemons.checker || !this.#hasLvs()) return;
    const [clock, log, lasting, files] = [this.#clock, this.#serverLog, this.#lasting, this.#files];
    const deps = { clock, log, lasting, ipvs: options.ipvs, files, initialisesFiles: this.#vrrp === undefined };
    const { LvsSide } = await import("./lvs-side.js");
    this.#lvs = await LvsSide.open({ ...deps, ...this.#lvsEvents(), takeOver: this.#takeOver }, this.#config);
    await this.#lvs.start();
  }

  /** Without virtual servers there may be something to remove and to forget: a daemon died, and the file has none any more. */
  #hasLvs(): boolean {
    return this.#config.virtualServers.length > 0 || this.#lasting.ownsEntries() || this.#lasting.knowsHealth();
  }

  #stateMemory(): StateMemory {
    const more = (): Buffer => {
      const piece = this.#state.more();
      const { vrrp, checker } = this.#config.global.processes;
      if (vrrp.noSwap || checker.noSwap) lockMemory(piece); // what that refuses was said of the first piece
      return piece;
    };
    const onFull = (why: string): void => {
      const remedy = "a crash may forget the health of servers and which IPVS entries are ours - restart the service";
      this.#log("warning", "state.full", `The state that outlives a crash cannot grow: ${why}: ${remedy}`, { why });
    };
    return new StateMemory({ first: this.#state.mapped, more, onFull });
  }

  #makeIpvsSettings(): IpvsSettings {
    const { ipvs, daemons } = this.#deps.options;
    const log = this.#deps.log.log("Keepalived_healthcheckers");
    const stateOf = (instance: string): string | undefined => this.#vrrp?.stateOf(instance);
    return new IpvsSettings({ clock: this.#clock, log, memory: this.#lasting.ipvsSettings, ipvs, daemons, stateOf });
  }

  #lvsEvents(): Pick<LvsSideDeps, "onServerEvent" | "onQuorum" | "onSelfCheck" | "onIpvsReopened" | "onCheckerThread"> {
    return {
      onIpvsReopened: () => void this.#ipvsSettings.reopen(),
      onSelfCheck: ({ holds, sentence, config }) => {
        if (config.tellsFifo) this.#fifos.tell("lvs", `DIRECTOR TABLE ${holds ? "HELD" : "FREE"}\n`, "state");
        const subject = `[${this.#config.global.routerId}] Director - table ${holds ? "HELD" : "FREE"}`;
        if (config.mails) this.#mailer.send({ about: "health", subject, body: `=> ${sentence} <=` });
      },
      onQuorum: (name, quorum) => this.#vrrp?.setQuorum(name, quorum),
      onServerEvent: (event) => this.#onServerEvent(event),
      onCheckerThread: (shard, thread) => {
        this.#scheduling.checkerStarted(shard, thread);
        this.#names.checkerStarted(shard, thread);
      },
    };
  }

  async #openControl(): Promise<void> {
    const { options, log } = this.#deps;
    const path = controlSocketPath(options);
    const reporter = new StatusReporter(this.#loopDelay, log);
    try {
      this.#control = await ControlSocket.open(
        path,
        () => reporter.document({ vrrp: this.#vrrp, lvs: this.#lvs, bfd: this.#bfd }),
        {
          servers: () => serversText(this.#lvs, { version, now: () => this.#clock.now() }),
          why: (name) => this.#why(name),
          upgrade: () => this.#upgrade(),
          giveWay: async () =>
            this.#phase === "running" ? this.#way.give(this.#config) : { error: "the daemon is starting or leaving" },
        },
      );
      this.#control.keep((sentence) => this.#log("warning", "control.deleted", sentence, { file: path }));
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      this.#log("error", "control.unavailable", `${error.message}; the daemon runs without it`, { code: error.code });
    }
  }

  #watchPidFiles(): PidFileWatch {
    const { options, supervisor } = this.#deps;
    const deps = { files: ownPidFiles(options), supervisor, log: this.#log, givesThemUp: () => this.#way.gives };
    return new PidFileWatch(deps);
  }

  /** `holdfast why NAME`: an instance, or else a virtual server or a real server. */
  async #why(name: string): Promise<WhyAnswer<WhyDocument | ServersWhy>> {
    const answer = this.#vrrp?.why(name) ?? { known: [] };
    if (!("known" in answer) || this.#lvs === undefined) return answer;
    const { whyServers } = await import("./why-servers-find.js");
    const servers = await whyServers(name, this.#lvs, this.#clock.now());
    return "known" in servers ? { ...answer, known: [...answer.known, ...servers.known] } : servers;
  }

  /** `holdfast upgrade`. What keeps it from being done is known before this daemon makes way. */
  async #upgrade(): Promise<UpgradeAnswer> {
    const answer = await upgradeBy(this.#deps.supervisor, this.#phase === "running", this.#log);
    const answered = this.#clock.now();
    if ("upgrade" in answer) this.#work = this.#work.then(() => this.#makeWay(answered));
    return answer;
  }

  /** As a crash would: nothing is released, the state stays. A reload that was under way is done. */
  async #makeWay(answered: Milliseconds): Promise<void> {
    await sleep(ANSWER_MS);
    if (this.#phase === "stopping") return;
    if (!isAwaited(answered, this.#clock.now())) {
      const sentence = "Not upgraded: a reload took longer than the launcher waits - run holdfast upgrade again";
      this.#log("error", "upgrade.refused", sentence);
      return;
    }
    await endsWithin(this.#deps.log.flush(), FAREWELL);
    killThisProcess();
  }

  #beat(): void {
    const beat = (): void => {
      if (this.#lvs?.stuck() === true) this.#onStuck();
      if (this.#lvs?.alive() !== false) this.#deps.supervisor.alive();
    };
    beat();
    this.#heartbeat = setInterval(beat, HEARTBEAT_MS);
  }

  /** A thread hangs in native code or in a system call: `process.exit` would wait for it for ever. */
  stuck(): boolean {
    return this.#hangs || this.#lvs?.stuck() === true || this.#vrrp?.stuck() === true;
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
      namespace: options.namespace,
      fixed: this.#config.process,
    } as const;
    const read = (): Promise<AsideResult> =>
      this.#scheduling.unpinned(() => readConfigAside(order, this.#config, { signal: this.#leaving.signal }));
    const answer = await whileMarked(this.#reloadMarker, read);
    if (this.#leaving.signal.aborted) return;
    if (answer.kind !== "failed") this.#writeCheckLog(answer.findings);
    if (answer.kind === "good") await this.#adopt(answer, watch);
    else await this.#refuse(answer);
    this.#collection.soon();
    supervisor.reloaded();
  }

  /** reload_check_config: a file of its own for what was found; nobody waits for the disk. */
  #writeCheckLog(findings: readonly string[]): void {
    const { checkLog } = this.#config.global.reload;
    if (checkLog === undefined || checkLog === "/dev/null") return;
    const lines = function* (): Generator<string> {
      for (const line of findings) yield `${line}\n`;
    };
    this.#dumpFiles.write(checkLog, lines).catch((error: unknown) => {
      const reason = errnoName(error);
      if (reason === undefined) throw error;
      const sentence = `Cannot write reload_check_config ${checkLog}: ${reason} - check the directory and its free space`;
      this.#log("error", "dump.failed", sentence, { file: checkLog, reason });
    });
  }

  async #adopt({ config, kept, findings }: Extract<AsideResult, { kind: "good" }>, watch: LoopWatch): Promise<void> {
    await this.#tell("warning", findings);
    this.#noteKept(kept);
    await this.#saveState("pre");
    this.#configure(config);
    this.#scheduled.configure(config.global.reload);
    if (this.#bfd === undefined) await this.#startBfd();
    else this.#bfd.apply(config);
    const refusals = await refusalsOf([
      () => (this.#vrrp === undefined ? this.#startVrrp() : this.#vrrp.reload(config)),
      () => (this.#lvs === undefined ? this.#startLvs() : this.#lvs.reload(config)),
      () => this.#ipvsSettings.apply(config),
    ]);
    this.#bfd?.tellAll();
    await this.#lvs?.tellQuorums();
    for (const refusal of refusals) this.#incomplete(refusal);
    if (refusals.length > 0) return;
    this.#log("info", "reload.complete", "Reload complete", { longestWait: watch.longest });
    await unlessAborted(this.#leaving.signal, this.#forgetBefore());
    await this.#saveState("post");
  }

  /** config_save_dir: what is in force before and after a reload, as SIGUSR1 shows it. A disk that hangs holds up nothing for long. */
  async #saveState(when: "pre" | "post"): Promise<void> {
    const { saveDirectory: directory } = this.#config.global.files;
    if (when === "pre") this.#reloads += 1;
    if (directory === undefined) return;
    const { writeSavedState } = await import("./dumps.js");
    const of = { config: this.#config, vrrp: this.#vrrp, lvs: this.#lvs, bfd: this.#bfd };
    const saved = writeSavedState({ directory, number: this.#reloads, when }, this.#dumpFiles, of, this.#log);
    await Promise.race([saved, new Promise((resolve) => setTimeout(resolve, SAVE_LIMIT_MS).unref())]);
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
  #incomplete({ message }: DaemonError): void {
    const sentence = `Reload incomplete: ${message}; the rest of the new configuration is in force - then reload again`;
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

/** Code that only a daemon with virtual routers needs. */
export const loadVrrp = (): Promise<typeof import("./vrrp-side.js")> => import("./vrrp-side.js");

/**
 * Code that a daemon needs for virtual servers, be it after a reload: with virtual routers it loads in the start, when they have begun.
 * What comes of other packages loads in one piece of up to 20 ms each.
 */
export const loadLvs = (): Promise<unknown> =>
  Promise.all([import("./lvs-side.js"), import("../health/pool.js"), import("hdr-histogram-js")]);

/** Static entries are the business of VRRP, with or without instances. */
function hasVrrp({ vrrpInstances, staticEntries: { addresses, routes, rules } }: Config): boolean {
  return vrrpInstances.length + addresses.length + routes.length + rules.length > 0;
}
