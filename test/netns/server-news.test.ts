import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { holdfast, type Program } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { MailSink } from "../harness/mail-sink.js";
import { needs } from "../harness/needs.js";
import { compiled } from "../harness/project.js";
import { lacksReferenceChecker, referenceChecker } from "../harness/reference-checker.js";
import { switchedPorts } from "../harness/switched-servers.js";
import { until } from "../harness/until.js";

/**
 * The same servers of every kind come and go behind keepalived and behind us: what each says in its log, by mail, on its FIFO and to its
 * scripts has to be the same.
 */

const kinds = ["tcp", "http", "https", "smtp", "dns", "udp", "ping", "misc", "file"] as const;
type Kind = (typeof kinds)[number];

const checkOf = (kind: Kind, dir: string): string => {
  switch (kind) {
    case "tcp":
      return "TCP_CHECK { }";
    case "http":
    case "https":
      return `${kind === "http" ? "HTTP" : "SSL"}_GET {\nurl {\npath /\nstatus_code 200\n}\n}`;
    case "smtp":
      return "SMTP_CHECK { }";
    case "dns":
      return "DNS_CHECK {\ntype A\nname www.example.\nretry 0\n}";
    case "udp":
      return "UDP_CHECK {\npayload 61\nrequire_reply 01\n}";
    case "ping":
      return "PING_CHECK { }";
    case "misc":
      return `MISC_CHECK {\nmisc_path "${dir}/misc"\n}`;
    case "file":
      return "FILE_CHECK {\ntrack_file load\nweight 0\n}";
    default:
      throw new Error(kind satisfies never);
  }
};

const portOf = (kind: Kind): number => (kind in switchedPorts ? switchedPorts[kind as keyof typeof switchedPorts] : 80);

/** Each kind has a virtual server of its own; some have more to tell. */
const more: Readonly<Partial<Record<Kind, { readonly service?: string; readonly server?: string }>>> = {
  tcp: { service: "sorry_server 127.0.0.9 80\nsmtp_alert on\nomega" },
  http: { server: "inhibit_on_failure" },
  dns: { server: "smtp_alert off" },
  udp: { service: "sorry_server 127.0.0.9 80\nsorry_server_inhibit\nquorum 5\nhysteresis 1", server: "weight 10" },
  misc: { service: "alpha" },
};

function configOf(dir: string): string {
  const services = kinds.map((kind, i) => {
    const { service = "", server = "" } = more[kind] ?? {};
    const told = (what: string): string => `${what} "${dir}/told ${kind} ${what}"`;
    return `virtual_server 198.51.100.${i + 1} ${portOf(kind)} {
  delay_loop 1
  delay_before_retry 1
  retry 0
  warmup 0
  connect_timeout 2
  lb_kind NAT
  protocol ${kind === "dns" || kind === "udp" ? "UDP" : "TCP"}
  ${told("quorum_up")}
  ${told("quorum_down")}
  ${service}
  real_server 127.0.0.1 ${portOf(kind)} {
    ${told("notify_up")}
    ${told("notify_down")}
    ${server}
    ${checkOf(kind, dir)}
  }
}
`;
  });
  return `global_defs {
  router_id test
  script_user root
  enable_script_security
  lvs_notify_fifo ${dir}/lvs.fifo
  lvs_notify_fifo_script "${dir}/reader"
  notification_email {
    ops@example.com
    "Night Watch <night@example.com>"
  }
  notification_email_from lb@example.com
  smtp_server 127.0.0.1
}
track_file load {
  file "${dir}/load"
}
${services.join("")}`;
}

/** With nothing new, 50 ms apart: a pause of the machine is one look less. */
const QUIET_LOOKS = 24;

interface News {
  readonly mails: readonly string[];
  readonly fifo: readonly string[];
  readonly scripts: readonly string[];
  readonly log: readonly string[];
}

async function newsOf(program: Program, host: Host, dir: string): Promise<ReadonlyMap<Kind, News>> {
  await host.exec(["mkdir", "-p", dir]);
  const script = async (name: string, text: string): Promise<void> => {
    await writeFile(`${dir}/${name}`, `#!/bin/sh\n${text}\n`);
    await chmod(`${dir}/${name}`, 0o755);
  };
  await script("told", `echo "$*" >> ${dir}/scripts`);
  await script("reader", `exec cat "$1" >> ${dir}/lines`);
  await script("misc", `test ! -e ${dir}/bad`);
  for (const file of ["scripts", "lines"]) await writeFile(`${dir}/${file}`, "");
  await writeFile(`${dir}/load`, "0\n");
  const sink = await MailSink.start(host);
  const stdio = ["pipe", "ignore", "inherit"] as const;
  const servers = await host.spawn([process.execPath, compiled("test/harness/switched-servers.ts")], {
    stdio: [...stdio],
  });
  const fifo = async (): Promise<readonly string[]> =>
    (await readFile(`${dir}/lines`, "utf8")).replaceAll("\0", "").split("\n").slice(0, -1);
  await until("the servers listen", 20_000, async () => {
    const sockets = await host.exec(["ss", "-Hlntu"]);
    return Object.values(switchedPorts).every((port) => sockets.includes(`127.0.0.1:${port} `));
  });
  const daemon = await host.start(program, configOf(dir), ["--check"]);
  /** No more news for much longer than a mail waits for others, which is half a second. */
  const quiet = async (): Promise<void> => {
    const news = async (): Promise<readonly number[]> => {
      const [lines, scripts] = [await fifo(), await readFile(`${dir}/scripts`, "utf8")];
      return [sink.mails.length, lines.length, scripts.length, sentencesOf(await daemon.log(), dir).length];
    };
    let [seen, looks] = [await news(), 0];
    const isQuiet = async (): Promise<boolean> => {
      const now = await news();
      looks = isDeepStrictEqual(now, seen) ? looks + 1 : 0;
      seen = now;
      return looks === QUIET_LOOKS;
    };
    await until("there is no more news", 20_000, isQuiet, 50);
  };
  const told = (kind: Kind, up: boolean, times: number): Promise<unknown> => {
    const line = `VS [198.51.100.${kinds.indexOf(kind) + 1}]:${protocolOf(kind)}:${portOf(kind)} ${up ? "UP" : "DOWN"}`;
    return until(`${program.name}: ${line}`, 20_000, async () => {
      return (await fifo()).filter((each) => each === line).length >= times;
    });
  };
  for (const kind of kinds) await told(kind, true, 1);
  await until("each has been checked", 20_000, async () => {
    const log = await daemon.log();
    return ["Remote SMTP server", "Remote Web server", "TCP connection", "UDP connection", "ICMP connection"].every(
      (words) => log.includes(words),
    );
  });
  await host.exec(["sleep", "2"]); // to the end of the first checks
  await quiet();
  for (const kind of kinds) {
    for (const how of ["bad", "good"] as const) {
      await turn(host, dir, servers, kind, how);
      await told(kind, how === "good", how === "good" ? 2 : 1);
      await quiet();
    }
  }
  const lines = await fifo(); // what keepalived writes when it ends nobody reads: it ends the reader first
  await daemon.stop();
  await quiet(); // nobody waits for scripts that it started at the end
  const mails = sink.mails.map(({ headers, body }) => `${headers["Subject"]} / ${body.trim()}`);
  const scripts = (await readFile(`${dir}/scripts`, "utf8")).split("\n").slice(0, -1);
  const log = sentencesOf(await daemon.log(), dir);
  const of = (kind: Kind, all: readonly string[]): readonly string[] => {
    const names = [`:${portOf(kind)}`, `[198.51.100.${kinds.indexOf(kind) + 1}]`];
    return all.filter((line) =>
      portOf(kind) === 80 ? line.includes(names[1] ?? "") : names.some((n) => line.includes(n)),
    );
  };
  return new Map(
    kinds.map((kind) => [
      kind,
      {
        mails: of(kind, mails).toSorted(byText),
        fifo: of(kind, lines),
        scripts: scripts.filter((line) => line.startsWith(`${kind} `)).toSorted(byText), // they run side by side
        log: of(kind, log),
      },
    ]),
  );
}

async function turn(host: Host, dir: string, servers: ChildProcess, kind: Kind, how: "bad" | "good"): Promise<void> {
  if (kind === "ping") await host.sysctl({ "net.ipv4.icmp_echo_ignore_all": how === "bad" ? "1" : "0" });
  else if (kind === "misc") await host.exec([how === "bad" ? "touch" : "rm", `${dir}/bad`]);
  else if (kind === "file") await writeFile(`${dir}/load`, how === "bad" ? "1\n" : "0\n");
  else servers.stdin?.write(`${how} ${kind}\n`);
}

const byText = (a: string, b: string): number => a.localeCompare(b);

/** Where 2.4.3 says something else than Debian's 2.2.7, and what docs/differences.md names. */
const meant: readonly (readonly [kind: Kind | "all", theirs: RegExp, ours: string | undefined])[] = [
  ["all", /(DOWN \/ => Lost quorum) 1\+0=1 <= 0/, "$1 1-0=1 > 0"],
  ["all", /(Starting with quorum up) .* <=$/, "$1 <="],
  ["all", /^(HTTP status code success .*\))$/, "$1."],
  ["https", /HTTP request failed/, "SSL request failed"],
  ["https", /^HTTP_CHECK/, "SSL_CHECK"],
  ["smtp", /Bad greeting banner from server \S+/, "SMTP reply 554"],
  ["dns", / after 0 retries$/, ""],
];
const oursOnly: readonly (readonly [kind: Kind | "all", line: RegExp])[] = [
  ["all", /DOWN \/ => Shutting down <=$/], // 2.2.7 ends before it has sent it
  ["smtp", /^SMTP_CHECK .* failed after 1 retries\.$/],
  ["dns", /^DNS_CHECK .* success$/],
  ["misc", /^Starting with quorum down|^VS \S+ DOWN$|^misc quorum_down$/], // with alpha 2.2.7 does not say that it starts without quorum
  ["file", / \/ => FILE CHECK /],
];

const isOf = (kind: Kind, of: Kind | "all"): boolean => of === "all" || of === kind;

function expected(kind: Kind, lines: readonly string[]): readonly string[] {
  const said = lines.map((line) =>
    meant.reduce((text, [of, from, to]) => (isOf(kind, of) ? text.replace(from, to ?? "") : text), line),
  );
  return said.filter((line, i) => !line.startsWith("HTTP status") || line !== said[i - 1]); // 2.2.7 says it twice
}

const comparable = (kind: Kind, lines: readonly string[]): readonly string[] =>
  lines.filter((line) => !oursOnly.some(([of, ours]) => isOf(kind, of) && ours.test(line)));

const protocolOf = (kind: Kind): string => (kind === "dns" || kind === "udp" ? "udp" : "tcp");

/** Without what is ours, and says so in docs/differences.md; without the time and name in front. */
function sentencesOf(log: string, dir: string): readonly string[] {
  const words =
    /((Adding|Removing|Enabling|Disabling|Shutting down) (service|sorry|alive).*|(Gained|Lost) quorum.*|Starting with quorum.*|(TCP|UDP|ICMP) connection.*|[A-Z]+[_ ]CHECK on service.*|Remote .* server.*|DNS_CHECK .*|Misc check.*|(HTTP status|MD5) .*)/;
  return log
    .split("\n")
    .flatMap((line) => words.exec(line)?.[1] ?? [])
    .map((sentence) => sentence.replaceAll(dir, "DIR"));
}

const skip = needs("root", "netns", "native", "keepalived") || lacksReferenceChecker();

test("the news of servers of every kind, beside keepalived", { skip, timeout: 300_000 }, async (t) => {
  await using lan = await Lan.create(plainHosts("ours", "theirs"));
  await chmod(lan.dir, 0o755);
  const [ours, theirs] = await Promise.all([
    newsOf(holdfast("memory"), lan.host("ours"), `${lan.dir}/ours`),
    newsOf(referenceChecker, lan.host("theirs"), `${lan.dir}/theirs`),
  ]);
  for (const kind of kinds) {
    const [mine, others] = [ours.get(kind), theirs.get(kind)];
    for (const what of ["mails", "fifo", "scripts", "log"] as const)
      await t.test(`${kind}: ${what}`, () =>
        assert.deepEqual(comparable(kind, mine?.[what] ?? []), comparable(kind, expected(kind, others?.[what] ?? []))),
      );
  }
});
