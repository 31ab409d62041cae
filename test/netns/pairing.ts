import { type Daemon, holdfast, keepalived, type Program } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { until } from "../harness/until.js";

/** Who plays which part. The peer is the judge: every case runs in all three. */
export interface Pairing {
  readonly name: string;
  readonly master: Program;
  readonly backup: Program;
}

const ours = holdfast("memory");

export const pairings: readonly Pairing[] = [
  { name: "holdfast master, keepalived backup", master: ours, backup: keepalived },
  { name: "keepalived master, holdfast backup", master: keepalived, backup: ours },
  { name: "holdfast master, holdfast backup", master: ours, backup: ours },
];

/** One virtual router as both sides have it. Times in ms. */
export interface Router {
  readonly version: 2 | 3;
  readonly advertInt: number;
}

export const routers: readonly Router[] = [
  { version: 2, advertInt: 1000 },
  { version: 3, advertInt: 100 },
];

export const describeRouter = ({ version, advertInt }: Router): string => `v${version}, advert_int ${advertInt / 1000}`;

export const vip = "192.0.2.100";
export const masterPriority = 200;
export const backupPriority = 100;

/** RFC 3768 §6.1 and RFC 5798 §6.1, in ms. keepalived uses the version 3 formula with its own interval. */
export function skewTime({ version, advertInt }: Router, priority: number): number {
  const unit = version === 2 ? 1000 : advertInt;
  return ((256 - priority) * unit) / 256;
}

/** How long a backup waits after the last advert of its master. */
export function masterDownInterval(router: Router, priority: number): number {
  return 3 * router.advertInt + skewTime(router, priority);
}

export interface InstanceOptions {
  /** Extra lines inside the vrrp_instance block. */
  readonly lines?: readonly string[];
  /** Extra blocks before it. */
  readonly blocks?: readonly string[];
}

export function config(router: Router, priority: number, { lines = [], blocks = [] }: InstanceOptions = {}): string {
  return `
global_defs {
  router_id test
  script_user root
}
${blocks.join("\n")}
vrrp_instance V1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  version ${router.version}
  priority ${priority}
  advert_int ${router.advertInt / 1000}
  virtual_ipaddress {
    ${vip}/24
  }
  ${lines.join("\n  ")}
}
`;
}

/** Two hosts, `a` the master to be and `b`, on one segment. Disposing it is the caller's. */
export async function startPair(pairing: Pairing, router: Router, options: InstanceOptions = {}): Promise<Pair> {
  const lan = await Lan.create(plainHosts("a", "b"));
  try {
    const [a, b] = [lan.host("a"), lan.host("b")];
    const backup = await b.start(pairing.backup, config(router, backupPriority), ["--vrrp"]);
    // A backup that is still starting would miss adverts, the good-bye among them.
    await until("the backup listens", settleMs(router), async () =>
      (await backup.log()).includes("Entering BACKUP STATE (init)"),
    );
    const master = await a.start(pairing.master, config(router, masterPriority, options), ["--vrrp"]);
    await until("a is the only master", settleMs(router), () => holdsAlone(a, b));
    return { lan, a, b, master, backup };
  } catch (error) {
    await lan[Symbol.asyncDispose]();
    throw error;
  }
}

export interface Pair {
  readonly lan: Lan;
  readonly a: Host;
  readonly b: Host;
  readonly master: Daemon;
  readonly backup: Daemon;
}

export async function holdsAlone(holder: Host, other: Host): Promise<boolean> {
  return (await holder.hasAddress(vip)) && !(await other.hasAddress(vip));
}

/** From the start of a daemon, or a change of who should be master, to a settled pair: a slow start-up and one election, doubled. */
export const settleMs = (router: Router): number => 2 * (20_000 + masterDownInterval(router, backupPriority));

/** What the daemons said, for the reader of a failed test. */
export async function describeLogs(pair: Pair): Promise<string> {
  const logs = [pair.master, pair.backup].map(async (daemon) => `--- ${daemon.files.log}\n${await daemon.log()}`);
  return (await Promise.all(logs)).join("\n");
}
