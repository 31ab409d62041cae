import { getSystemErrorName } from "node:util";
import type { Clock } from "../clock.js";
import type { ScriptCommand, VrrpNotifyConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import type { ScriptResult, ScriptRunner } from "../vrrp/ports.js";
import type { LineKind } from "./fifo-backlog.js";
import { groupLine, instanceLine, realServerLine, virtualServerLine } from "./fifo-lines.js";
import type { Side } from "./fifos.js";
import { type GroupState, groupMail, type InstanceState, instanceMail, type Mail } from "./mail.js";
import { OrderedQueue, type QueueLimits } from "./ordered-queue.js";

/** What programs and people are told of. Names of servers are those of the log, `[192.0.2.1]:tcp:80`. */
export type NotifyEvent =
  /** notify_STATE, then notify with `INSTANCE NAME STATE PRIO`, FIFOs, mail. `priority`: the effective one at that moment. */
  | {
      readonly kind: "instance";
      readonly name: string;
      readonly state: InstanceState;
      readonly priority: number;
      readonly notify: VrrpNotifyConfig;
      /** notify_deleted's. */
      readonly deletedScript?: ScriptCommand | undefined;
      readonly smtpAlert: boolean;
    }
  /** A sync group: the same with `GROUP NAME STATE 0`. Its members were told before. */
  | {
      readonly kind: "group";
      readonly name: string;
      readonly state: GroupState;
      readonly notify: VrrpNotifyConfig;
      readonly smtpAlert: boolean;
    }
  /** A master heard a weaker one: notify_master_rx_lower_pri, then FIFOs. */
  | {
      readonly kind: "lower-priority";
      readonly name: string;
      readonly priority: number;
      readonly script: ScriptCommand | undefined;
    }
  /** For FIFOs, where notify_priority_changes is on. */
  | { readonly kind: "priority"; readonly name: string; readonly isMaster: boolean; readonly priority: number }
  /** For FIFOs, where split_brain_guard has notify_fifo. */
  | { readonly kind: "masters"; readonly name: string; readonly two: boolean; readonly priority: number }
  /** For FIFOs, after a reload with fifo_write_vrrp_states_on_reload: the state as it is. */
  | {
      readonly kind: "state";
      readonly type: "INSTANCE" | "GROUP";
      readonly name: string;
      readonly state: GroupState;
      readonly priority: number;
    }
  /** notify_up or notify_down. Mail about servers is composed by main/health and goes to the mailer directly. */
  | {
      readonly kind: "real-server";
      readonly virtualServer: string;
      readonly realServer: string;
      readonly up: boolean;
      readonly script: ScriptCommand | undefined;
    }
  /** quorum_up or quorum_down. */
  | {
      readonly kind: "virtual-server";
      readonly virtualServer: string;
      readonly up: boolean;
      readonly script: ScriptCommand | undefined;
    };

/** What is used of the Mailer. */
export interface MailOutlet {
  readonly routerId: string;
  send(mail: Mail): void;
}

/** What is used of Fifos. */
export interface FifoOutlets {
  tell(side: Side, line: string, kind: LineKind): void;
}

interface ScriptJob {
  readonly command: ScriptCommand;
  readonly args: readonly string[];
  readonly onEnd?: () => void;
}

/** docs/decisions/0003-notify-order.md */
const patience = ms(10_000);
const vrrpLimits: QueueLimits = { waitingPerSubject: 16, patience, concurrency: 256, startsTogether: 4 };
const healthLimits: QueueLimits = { waitingPerSubject: 16, patience, concurrency: 32, startsTogether: 2 };
const NO_LIMIT = ms(0);

/** Turns events into notify scripts, FIFO lines and mails. Scripts of one subject run in order, one at a time; nothing here waits. */
export class Notifier {
  readonly #runner: ScriptRunner;
  readonly #mailer: MailOutlet;
  readonly #log: Log;
  readonly #vrrp: OrderedQueue<ScriptJob>;
  readonly #health: OrderedQueue<ScriptJob>;
  readonly #fifos: FifoOutlets | undefined;
  /** By name, groups apart from instances. */
  readonly #lastMailed = new Map<string, InstanceState>();
  /** Instances whose notify_master_rx_lower_pri waits or runs: adverts come faster than scripts end. */
  readonly #toldOfLower = new Set<string>();
  #mailsFaults = true;

  constructor(runner: ScriptRunner, mailer: MailOutlet, log: Log, clock: Clock, fifos?: FifoOutlets) {
    this.#runner = runner;
    this.#mailer = mailer;
    this.#fifos = fifos;
    this.#log = log;
    this.#vrrp = this.#queue(vrrpLimits, clock);
    this.#health = this.#queue(healthLimits, clock);
  }

  /** @param mailsFaults false with no_email_faults */
  configure(mailsFaults: boolean): void {
    this.#mailsFaults = mailsFaults;
  }

  notify(event: NotifyEvent): void {
    switch (event.kind) {
      case "instance":
        this.#instance(event);
        break;
      case "group":
        this.#group(event);
        break;
      case "lower-priority":
        this.#lowerPriority(event);
        break;
      case "priority": {
        const state = event.isMaster ? "MASTER_PRIORITY" : "BACKUP_PRIORITY";
        this.#fifos?.tell("vrrp", instanceLine(event.name, state, event.priority), "chatter");
        break;
      }
      case "masters": {
        const state = event.two ? "TWO_MASTERS" : "ONE_MASTER";
        this.#fifos?.tell("vrrp", instanceLine(event.name, state, event.priority), "state");
        break;
      }
      case "state": {
        const { type, name, state, priority } = event;
        const line = type === "GROUP" ? groupLine(name, state) : instanceLine(name, state, priority);
        this.#fifos?.tell("vrrp", line, "state");
        break;
      }
      case "real-server":
        this.#server(`real server ${event.realServer} of ${event.virtualServer}`, event.script);
        this.#fifos?.tell("lvs", realServerLine(event.realServer, event.virtualServer, event.up), "state");
        break;
      case "virtual-server":
        this.#server(`virtual server ${event.virtualServer}`, event.script);
        this.#fifos?.tell("lvs", virtualServerLine(event.virtualServer, event.up), "state");
        break;
      default:
        unreachable(event);
    }
  }

  /** Resolves when all scripts have run, or `limit` has passed. */
  async settle(limit: Milliseconds): Promise<void> {
    await Promise.all([this.#vrrp.settle(limit), this.#health.settle(limit)]);
  }

  #instance(event: Extract<NotifyEvent, { kind: "instance" }>): void {
    const { name, state, priority, notify, smtpAlert } = event;
    const ofState = state === "DELETED" ? event.deletedScript : scriptOfState(notify, state);
    this.#scripts(`VRRP instance ${name}`, ofState, notify.all, ["INSTANCE", name, state, String(priority)]);
    this.#fifos?.tell("vrrp", instanceLine(name, state, priority), "state");
    if (smtpAlert && this.#isNews(`instance ${name}`, state))
      this.#mailer.send(instanceMail(this.#mailer.routerId, name, state));
  }

  #group({ name, state, notify, smtpAlert }: Extract<NotifyEvent, { kind: "group" }>): void {
    this.#scripts(`VRRP group ${name}`, scriptOfState(notify, state), notify.all, ["GROUP", name, state, "0"]);
    this.#fifos?.tell("vrrp", groupLine(name, state), "state");
    if (smtpAlert && this.#isNews(`group ${name}`, state))
      this.#mailer.send(groupMail(this.#mailer.routerId, name, state));
  }

  #scripts(
    subject: string,
    ofState: ScriptCommand | undefined,
    all: ScriptCommand | undefined,
    args: readonly string[],
  ): void {
    if (ofState !== undefined) this.#vrrp.push(subject, { command: ofState, args: [] });
    if (all !== undefined) this.#vrrp.push(subject, { command: all, args });
  }

  #isNews(name: string, state: InstanceState): boolean {
    if (state === "FAULT" && !this.#mailsFaults) return false;
    if (this.#lastMailed.get(name) === state) return false;
    this.#lastMailed.set(name, state);
    return true;
  }

  /** Apart from the scripts of states: whoever sends adverts must not be able to push those out. */
  #lowerPriority({ name, priority, script }: Extract<NotifyEvent, { kind: "lower-priority" }>): void {
    this.#fifos?.tell("vrrp", instanceLine(name, "MASTER_RX_LOWER_PRI", priority), "chatter");
    if (script === undefined || this.#toldOfLower.has(name)) return;
    this.#toldOfLower.add(name);
    const onEnd = (): void => void this.#toldOfLower.delete(name);
    this.#vrrp.push(`lower priority heard by VRRP instance ${name}`, { command: script, args: [], onEnd });
  }

  #server(subject: string, script: ScriptCommand | undefined): void {
    if (script !== undefined) this.#health.push(subject, { command: script, args: [] });
  }

  #queue(limits: QueueLimits, clock: Clock): OrderedQueue<ScriptJob> {
    return new OrderedQueue<ScriptJob>(
      limits,
      {
        start: (job, done) =>
          this.#runner.run(job.command, job.args, NO_LIMIT, (result) => {
            this.#report(job, result);
            job.onEnd?.();
            done();
          }),
        onDropped: (subject, job) => this.#onDropped(subject, job),
        onOverdue: (subject, job) => this.#onOverdue(subject, job),
      },
      clock,
    );
  }

  #onDropped(subject: string, job: ScriptJob): void {
    const sentence = `${subject} changes faster than its notify scripts run: skipping ${textOf(job)}`;
    this.#log("warning", "notify.dropped", sentence, { subject });
  }

  #onOverdue(subject: string, job: ScriptJob): void {
    const sentence = `notify script ${textOf(job)} of ${subject} runs for more than ${patience / 1000} s: not waiting for it`;
    this.#log("warning", "notify.overdue", sentence, { subject });
    job.onEnd?.();
  }

  /** How a notify script ended changes nothing, but whoever wrote it wants to know. */
  #report(job: ScriptJob, { kind, value }: ScriptResult): void {
    if (kind === "not-started") {
      const { name } = job.command.user;
      const cause = getSystemErrorName(-value);
      const sentence = `notify script ${textOf(job)} cannot be started as user ${name}: ${cause}: check the file, its first line and its permissions`;
      this.#log("error", "notify.not-started", sentence, { errno: value });
    } else if (value !== 0 && this.#log.detail) {
      const how = kind === "exited" ? `exited with status ${value}` : `ended due to signal ${value}`;
      this.#log("info", "notify.failed", `notify script ${textOf(job)} ${how}`);
    }
  }
}

function scriptOfState(notify: VrrpNotifyConfig, state: GroupState): ScriptCommand | undefined {
  switch (state) {
    case "MASTER":
      return notify.master;
    case "BACKUP":
      return notify.backup;
    case "FAULT":
      return notify.fault;
    case "STOP":
      return notify.stop;
    default:
      return unreachable(state);
  }
}

const textOf = ({ command, args }: ScriptJob): string => [...command.argv, ...args].join(" ");
