/**
 * A configuration of a virtual server as a value that edits can change, and its text. In texts `%4` is the first three octets of the
 * configuration's own IPv4 network, `%6` the first half of its IPv6 one, `%m` the first digits of its marks and `%g` its group's name.
 */
export interface Real {
  /** Number of the web server. */
  readonly web: number;
  readonly address: string;
  /** Empty: that of the virtual server. */
  readonly port: string;
  readonly lines: string;
}

export interface Server {
  /** What follows `virtual_server`. */
  readonly head: string;
  /** Lines, divided by `;`. */
  readonly lines: string;
  /** Of each real server; by name. */
  readonly check: CheckName;
  readonly reals: readonly Real[];
}

export interface Shape {
  /** Entries of `virtual_server_group`, by what follows `%g` in its name. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly servers: readonly Server[];
}

export type Edit = (shape: Shape) => Shape;

/** What guest and daemons share: `webN` is 0 or 1 (a tracked file), `webN.exit` a status. */
export const equalityDir = "/run/equality";
export const webNumbers = [1, 2, 3] as const;
export const webIpv4 = (web: number): string => `192.168.91.10${web}`;
export const webIpv6 = (web: number): string => `2001:db8:91::10${web}`;

/** DNS question for the SOA of the root, and the first bytes of an answer: the same id, a response. */
const dnsQuestion = "1234 0100 0001 0000 0000 0000 00 0006 0001";
const url = (path: string, lines = ""): string => `url {\n path ${path}\n ${lines}\n }`;

/** Texts of checks; `%w` is the web server's number. */
const checks = {
  none: "",
  tcp: "TCP_CHECK {\n connect_port 80\n }",
  http: `HTTP_GET {\n connect_port 80\n ${url("/good")}\n }`,
  "http in detail": `HTTP_GET {\n connect_port 80\n virtualhost www.example\n fast_recovery\n ${url("/good", "digest 5d41402abc4b2a76b9719d911017c592")}\n ${url("/moved", "status_code 302")}\n }`,
  "http that never passes": `HTTP_GET {\n connect_port 80\n ${url("/bad")}\n }`,
  ssl: `SSL_GET {\n connect_port 443\n enable_sni\n virtualhost www.example\n ${url("/good", "status_code 200")}\n }`,
  smtp: "SMTP_CHECK {\n connect_port 25\n helo_name director.example\n }",
  dns: "DNS_CHECK {\n connect_port 53\n type A\n name www.example\n retry 1\n delay_before_retry 1\n }",
  udp: `UDP_CHECK {\n connect_port 53\n payload ${dnsQuestion}\n require_reply 1234\n }`,
  ping: "PING_CHECK {\n }",
  misc: `MISC_CHECK {\n misc_path "/usr/bin/grep -q 0 ${equalityDir}/web%w"\n misc_timeout 5\n }`,
  "misc with a weight": `MISC_CHECK {\n misc_path "${equalityDir}/exit %w"\n misc_timeout 5\n misc_dynamic\n }`,
  file: "FILE_CHECK {\n track_file web%w\n weight 0\n }",
  "file with a weight": "FILE_CHECK {\n track_file web%w\n weight 10\n }",
  "file that takes weight": "FILE_CHECK {\n track_file web%w\n weight -5\n }",
  // Nobody else's result counts for these.
  "tcp of its own": "TCP_CHECK {\n connect_port 443\n }",
  "tcp of its own, too": "TCP_CHECK {\n connect_port 25\n }",
  "tcp elsewhere": "TCP_CHECK {\n connect_ip 192.168.91.102\n connect_port 80\n }",
  several: `TCP_CHECK {\n connect_port 80\n }\n HTTP_GET {\n connect_port 80\n ${url("/good")}\n }\n PING_CHECK {\n }\n FILE_CHECK {\n track_file web%w\n weight 0\n }`,
  "several with weights": `TCP_CHECK {\n connect_port 80\n }\n FILE_CHECK {\n track_file web%w\n weight 10\n }\n MISC_CHECK {\n misc_path "${equalityDir}/exit 0"\n misc_dynamic\n misc_timeout 5\n }`,
} as const;
export type CheckName = keyof typeof checks;

/** What all files begin with. */
export const preamble = `global_defs {
  script_user root
  enable_script_security
}
${webNumbers.map((web) => `track_file web${web} {\n  file ${equalityDir}/web${web}\n}\n`).join("")}`;

/** The text of a configuration; `number` makes its addresses, marks and names its own. */
export function textOf({ groups = {}, servers }: Shape, number: number): string {
  const blocks = Object.entries(groups).map(
    ([suffix, entries]) => `virtual_server_group %g${suffix} {\n  ${entries.join("\n  ")}\n}\n`,
  );
  return [...blocks, ...servers.map(serverText)]
    .join("")
    .replaceAll("%4", `10.91.${number}`)
    .replaceAll("%6", `2001:db8:9100:${number}`)
    .replaceAll("%m", String(number))
    .replaceAll("%g", `g${number}`);
}

/** Number of the configuration that a line of `ipvsadm -Sn` belongs to. */
export function numberOf(line: string): number {
  const found = /^-[Aa] (?:.*?(?:10\.91\.(\d+)\.|\[2001:db8:9100:(\d+):)|-f (\d+)\d )/.exec(line);
  return Number(found?.[1] ?? found?.[2] ?? found?.[3]);
}

const listed = (lines: string): readonly string[] => lines.split(";").map((line) => line.trim());

function serverText({ head, lines, check, reals }: Server): string {
  const timing = ["delay_loop 2", "connect_timeout 1", "retry 1", "delay_before_retry 1"];
  const blocks = reals.map((real) => {
    const inside = [...listed(real.lines), ...listed(checks[check].replaceAll("%w", String(real.web)))];
    return `  real_server ${real.address} ${real.port} {\n    ${inside.join("\n    ")}\n  }\n`;
  });
  return `virtual_server ${head} {\n  ${[...timing, ...listed(lines)].join("\n  ")}\n${blocks.join("")}}\n`;
}
