import { type Family, familyOf } from "../address.js";
import type { GlobalConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { HostFilter } from "./host-filter.js";

/** Runs a program without a shell. @returns its exit code, 127 when it is not there, and what it wrote */
export type RunTool = (argv: readonly [string, ...string[]], input: string) => Promise<ToolResult>;

export interface ToolResult {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Rules carry it, so that those of a daemon that died are found. @param owner a word: other daemons here have rules too */
const markOf = (owner: string): string => `-m comment --comment holdfast-${owner}`;
const commands = { inet: "iptables", inet6: "ip6tables" } as const;
/** Neighbour solicitation and advertisement (RFC 4861 §4): an address must be found even when it takes no packets. */
const DISCOVERY = [135, 136] as const;

interface Chains {
  readonly inChain: string;
  readonly outChain: string | undefined;
}

interface Work {
  /** Lines for iptables-restore that wait for the one before. */
  waiting: string[];
  /** What a daemon before this one left has been looked for. */
  swept: boolean;
  running: Promise<void> | undefined;
}

/**
 * Rules in the chains of vrrp_iptables, two for each address, as `iptables -I CHAIN -d ADDRESS -j DROP` makes them. They come with
 * iptables-restore, a process for all that change together; in force a moment after an instance is MASTER, not at once.
 */
export class IptablesFilter implements HostFilter {
  readonly #run: RunTool;
  readonly #log: Log;
  readonly #mark: string;
  readonly #wanted = new Map<string, ReadonlySet<string>>();
  /** How many owners want a rule, which is its family and text. */
  readonly #claims = new Map<string, number>();
  readonly #work: Record<Family, Work> = { inet: idle(), inet6: idle() };
  #chains: Chains = { inChain: "INPUT", outChain: "OUTPUT" };

  /** @param owner one word, of this daemon and of who goes on after its crash */
  constructor(run: RunTool, log: Log, owner: string) {
    this.#run = run;
    this.#log = log;
    this.#mark = markOf(owner);
  }

  configure({ vrrpIptables }: Pick<GlobalConfig, "vrrpIptables">): void {
    if (vrrpIptables !== undefined && this.#claims.size === 0) this.#chains = vrrpIptables;
  }

  block(owner: string, addresses: readonly { readonly address: string; readonly on: string }[]): void {
    const before = this.#wanted.get(owner) ?? new Set();
    const after = new Set(addresses.flatMap(({ address, on }) => rulesFor(this.#chains, this.#mark, address, on)));
    if (after.size > 0) this.#wanted.set(owner, after);
    else this.#wanted.delete(owner);
    for (const rule of before) if (!after.has(rule)) this.#unclaim(rule);
    for (const rule of after) if (!before.has(rule)) this.#claim(rule);
  }

  /** iptables cannot send a packet out on another interface: IGMP and MLD reports of VMACs leave as they are. */
  redirectIgmp(): void {}

  redirectMld(): void {}

  forgetMld(): void {}

  async remove(): Promise<void> {
    for (const owner of [...this.#wanted.keys()]) this.block(owner, []);
    await Promise.all(Object.values(this.#work).map(({ running }) => running));
  }

  [Symbol.dispose](): void {
    for (const work of Object.values(this.#work)) work.waiting = [];
  }

  #claim(rule: string): void {
    const owners = this.#claims.get(rule) ?? 0;
    this.#claims.set(rule, owners + 1);
    if (owners === 0) this.#change("-I", rule);
  }

  #unclaim(rule: string): void {
    const owners = this.#claims.get(rule) ?? 0;
    if (owners > 1) this.#claims.set(rule, owners - 1);
    else if (this.#claims.delete(rule)) this.#change("-D", rule);
  }

  #change(action: "-I" | "-D", rule: string): void {
    const [family, text] = split(rule);
    const work = this.#work[family];
    work.waiting.push(`${action} ${text}`);
    work.running ??= this.#carryOut(family, work).finally(() => {
      work.running = undefined;
    });
  }

  async #carryOut(family: Family, work: Work): Promise<void> {
    await Promise.resolve(); // all that changes in one turn goes together
    const command = commands[family];
    while (work.waiting.length > 0) {
      const left = work.swept ? [] : await this.#leftBehind(command);
      work.swept = true;
      const lines = [...left, ...work.waiting.splice(0)];
      const { code, errors } = await this.#run([`${command}-restore`, "-w", "--noflush"], script(lines));
      if (code !== 0) this.#report(command, code, errors);
    }
  }

  /** Rules of a daemon that died, as lines that delete them. */
  async #leftBehind(command: string): Promise<readonly string[]> {
    const { output } = await this.#run([`${command}-save`, "-t", "filter"], "");
    const ours = output.split("\n").filter((line) => line.startsWith("-A ") && `${line} `.includes(` ${this.#mark} `));
    return ours.map((line) => line.replace("-A ", "-D "));
  }

  #report(command: string, code: number, errors: string): void {
    const why = errors.trim().split("\n")[0] ?? "";
    const sentence = `${command}-restore fails (exit code ${code}): ${why}: packets to addresses of instances with no_accept are not dropped, or still are - see that the chains of vrrp_iptables exist, and look at: ${command} -S`;
    this.#log("error", "network.filter-failed", sentence, { why, code });
  }
}

const idle = (): Work => ({ waiting: [], swept: false, running: undefined });

const script = (lines: readonly string[]): string => ["*filter", ...lines, "COMMIT", ""].join("\n");

/** Later ones come to stand above earlier ones. Of link-local addresses only those on their interface. */
function rulesFor({ inChain, outChain }: Chains, mark: string, address: string, on: string): readonly string[] {
  const family = familyOf(address);
  const linkLocal = /^fe[89ab]/i.test(address);
  const sides = [
    { chain: inChain, address: "-d", link: "-i" },
    { chain: outChain, address: "-s", link: "-o" },
  ];
  return sides.flatMap(({ chain, address: side, link }) => {
    if (chain === undefined) return [];
    const match = `${chain} ${side} ${address}/${family === "inet" ? 32 : 128}${linkLocal ? ` ${link} ${on}` : ""}`;
    const found = DISCOVERY.map((type) => `${match} -p ipv6-icmp -m icmp6 --icmpv6-type ${type} ${mark} -j ACCEPT`);
    return [`${match} ${mark} -j DROP`, ...(family === "inet6" ? found : [])].map((text) => `${family} ${text}`);
  });
}

function split(rule: string): readonly [Family, string] {
  const family: Family = rule.startsWith("inet6 ") ? "inet6" : "inet";
  return [family, rule.slice(family.length + 1)];
}
