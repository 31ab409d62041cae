import { getSystemErrorName } from "node:util";
import type { Clock } from "../clock.js";
import type { ScriptCommand, VrrpNotifyConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import type { ScriptResult, ScriptRunner } from "../vrrp/ports.js";
import { groupMail, type InstanceState, instanceMail, type Mail } from "./mail.js";
import { OrderedQueue, type QueueLimits } from "./ordered-queue.js";

/** What programs and people are told of. Names of servers are those of the log, `[192.0.2.1]:tcp:80`. */
export type NotifyEvent =
  /** notify_STATE, then notify with `INSTANCE NAME STATE PRIO`, then mail. `priority`: the effective one at that moment. */
  | {
      readonly kind: "instance";
      readonly name: string;
      readonly state: InstanceState;
      readonly priority: number;
      readonly notify: VrrpNotifyConfig;
      readonly smtpAlert: boolean;
    }
  /** The same for a sync group, with `GROUP NAME STATE 0`. */
  | {
      readonly kind: "group";
      readonly name: string;
      readonly state: InstanceState;
      readonly notify: VrrpNotifyConfig;
      readonly smtpAlert: boolean;
    }
  /** notify_up or notify_down. Mail about servers is composed by main/health and goes to the mailer directly. */
  | {
      readonly kind: "real-server";
      readonly virtualServer: string;
      readonly realServer: string;
      readonly script: ScriptCommand | undefined;
    }
  /** quorum_up or quorum_down. */
  | { readonly kind: "virtual-server"; readonly virtualServer: string; readonly script: ScriptCommand | undefined };

/** What is used of the Mailer. */
export interface MailOutlet {
  readonly routerId: string;
  send(mail: Mail): void;
}

interface ScriptJob {
  readonly command: ScriptCommand;
  readonly args: readonly string[];
}

/** docs/decisions/0003-notify-order.md */
const patience = ms(10_000);
const vrrpLimits: QueueLimits = { waitingPerSubject: 16, patience, concurrency: 256, startsTogether: 4 };
const healthLimits: QueueLimits = { waitingPerSubject: 16, patience, concurrency: 32, startsTogether: 2 };
const NO_LIMIT = ms(0);

/** Turns events into notify scripts and mails. Scripts of one subject run in order, one at a time; nothing here waits. */
export class Notifier {
  readonly #runner: ScriptRunner;
  readonly #mailer: MailOutlet;
  readonly #log: Log;
  readonly #vrrp: OrderedQueue<ScriptJob>;
  readonly #health: OrderedQueue<ScriptJob>;
  readonly #lastMailed = new Map<string, InstanceState>();

  constructor(runner: ScriptRunner, mailer: MailOutlet, log: Log, clock: Clock) {
    this.#runner = runner;
    this.#mailer = mailer;
    this.#log = log;
    this.#vrrp = this.#queue(vrrpLimits, clock);
    this.#health = this.#queue(healthLimits, clock);
  }

  notify(event: NotifyEvent): void {
    switch (event.kind) {
      case "instance":
        this.#instance(event);
        break;
      case "group":
        this.#group(event);
        break;
      case "real-server":
        this.#server(`real server ${event.realServer} of ${event.virtualServer}`, event.script);
        break;
      case "virtual-server":
        this.#server(`virtual server ${event.virtualServer}`, event.script);
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
    const subject = `VRRP instance ${name}`;
    const ofState = scriptOfState(notify, state);
    if (ofState !== undefined) this.#vrrp.push(subject, { command: ofState, args: [] });
    const args = ["INSTANCE", name, state, String(priority)];
    if (notify.all !== undefined) this.#vrrp.push(subject, { command: notify.all, args });
    if (!smtpAlert || this.#lastMailed.get(name) === state) return;
    this.#lastMailed.set(name, state);
    this.#mailer.send(instanceMail(this.#mailer.routerId, name, state));
  }

  #group({ name, state, notify, smtpAlert }: Extract<NotifyEvent, { kind: "group" }>): void {
    const subject = `VRRP group ${name}`;
    const ofState = scriptOfState(notify, state);
    if (ofState !== undefined) this.#vrrp.push(subject, { command: ofState, args: [] });
    if (notify.all !== undefined) this.#vrrp.push(subject, { command: notify.all, args: ["GROUP", name, state, "0"] });
    if (!smtpAlert || this.#lastMailed.get(subject) === state) return;
    this.#lastMailed.set(subject, state);
    this.#mailer.send(groupMail(this.#mailer.routerId, name, state));
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

function scriptOfState(notify: VrrpNotifyConfig, state: InstanceState): ScriptCommand | undefined {
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
