import type { Meaning } from "./data-file.js";

/**
 * What keepalived's keepalived_check.data says of services, real servers and checks, as `SUBJECT: FIELD`. Our side of the
 * comparison, lvs-holdfast.ts, uses the same names and values.
 */
export function meaningOfCheckData(data: string): Meaning {
  const [topology = "", checkers = ""] = data.split("------< Health checkers >------");
  const meaning = new Map<string, string>();
  for (const chunk of topology.split(" ------< Virtual server >------\n").slice(1)) readService(chunk, meaning);
  readChecks(checkers.split("------<")[0] ?? "", meaning);
  return meaning;
}

/** A field's value in a piece of a dump; `pattern` has the value as its group. */
type Field = readonly [name: string, pattern: RegExp];

const serviceFields: readonly Field[] = [
  ["scheduler", /^ {3}lvs_sched = (.*)$/m],
  ["delay_loop", /^ {3}delay_loop = (.*)$/m],
  ["flag 1", /^ {3}(?:flag-1|sh-fallback|mh-fallback) = (.*)$/m],
  ["flag 2", /^ {3}(?:flag-2|sh-port|mh-port) = (.*)$/m],
  ["ops", /^ {3}One packet scheduling = (.*)$/m],
  ["persistence", /^ {3}persistence timeout = (.*)$/m],
  ["granularity", /^ {3}persistence granularity = (.*)$/m],
  ["alpha", /^ {3}alpha is (.*)$/m],
  ["omega", /^ {3}omega is (.*)$/m],
  ["quorum", /^ {3}quorum = (\d+)/m],
  ["hysteresis", /hysteresis = (\d+)/],
  ["quorum_up", /^ {3}Quorum up notify script = (.*)$/m],
  ["quorum_down", /^ {3}Quorum down notify script = (.*)$/m],
  ["smtp_alert", /^ {3}Using smtp notification = (.*)$/m],
  ["sorry_server", /^ {3}sorry server = \[(.*)\]/m],
  ["sorry_server method", /sorry server = .*\n {5}forwarding method = (\w+)/],
];

const serverFields: readonly Field[] = [
  ["weight", /WEIGHT = (\d+) EFF/],
  ["method", /^ {3}forwarding method = (\w+)/m],
  ["thresholds", /^ {3}connection limit range = (.*)$/m],
  ["inhibit_on_failure", /^ {3}Inhibit on failure is (.*)$/m],
  ["notify_up", /RS up notify script = (.*)$/m],
  ["notify_down", /RS down notify script = (.*)$/m],
  ["smtp_alert", /^ {3}Using smtp notification = (.*)$/m],
];

const checkFields: readonly Field[] = [
  ["alpha", /^ {3}Alpha = (.*)$/m],
  ["delay_loop", /^ {3}Delay loop = (\d+)/m],
  ["warmup", /^ {3}Warmup = (\d+)/m],
  ["retry", /^ {3}Retries = (.*)$/m],
  ["delay_before_retry", /^ {3}Delay before retry = (\d+)/m],
  ["log_all_failures", /^ {3}Log all failures = (.*)$/m],
  ["target", /^ {5}Dest = (.*)$/m],
  ["bindto", /^ {5}Bind to = \[(.*?)\]/m],
  ["bind_if", /^ {5}Bind i\/f = (.*)$/m],
  ["fwmark", /^ {5}Mark = (.*)$/m],
  ["connect_timeout", /^ {5}Timeout = (.*)$/m],
  ["http_protocol", /http protocol (.*)$/m],
  ["enable_sni", /^ {3}Enable SNI (\w+)$/m],
  ["fast_recovery", /^ {3}Fast recovery (\w+)$/m],
  ["misc_path", /^ {3}script = (.*)$/m],
  ["misc_dynamic", /^ {3}dynamic = (.*)$/m],
  ["user", /^ {3}uid:gid = (.*)$/m],
  ["helo_name", /^ {3}helo = (.*)$/m],
  ["dns type", /^ {3}Type = (.*)$/m],
  ["track_file", /^ {5}Tracked file = (.*)$/m],
];

function readService(chunk: string, meaning: Map<string, string>): void {
  const [head = "", ...servers] = chunk.split("   ------< Real server >------\n");
  const name = serviceName(head);
  put(meaning, name, head, serviceFields);
  for (const server of servers) {
    const [, address = "", port = ""] = /RIP = (\S+), RPORT = (\d+)/.exec(server) ?? [];
    put(meaning, `${name} > ${address} ${port}`, server, serverFields);
  }
}

/** As at the head of a check: `[192.168.40.10]:tcp:80`. */
function serviceName(head: string): string {
  const [, address, port] = /VS VIP = (\S+), VPORT = (\d+)/.exec(head) ?? [];
  if (address !== undefined) return `[${address}]:${/protocol = (\S+)/.exec(head)?.[1]?.toLowerCase()}:${port}`;
  const mark = /VS FWMARK = (\d+)/.exec(head)?.[1];
  return mark === undefined ? (/VS GROUP = (\S+)/.exec(head)?.[1] ?? "?") : `FWM ${mark}`;
}

/** A check is known by its server and its kind; two of one kind by their number. */
function readChecks(text: string, meaning: Map<string, string>): void {
  const counts = new Map<string, number>();
  for (const chunk of text.split(/^ (?=\S.* -> \[)/m).slice(1)) {
    const [, service = "", address = "", port = "0"] = /^(.+) -> \[(.+?)\]\S*?:(\d+)$/m.exec(chunk) ?? [];
    const kind = /Keepalive method = (\w+)/.exec(chunk)?.[1] ?? "?";
    const subject = `${service} > ${address} ${port} > ${kind}`;
    const count = (counts.get(subject) ?? 0) + 1;
    counts.set(subject, count);
    const name = count === 1 ? subject : `${subject} ${count}`;
    put(meaning, name, chunk, checkFields);
    const urls = [...chunk.matchAll(/Checked url = (.*)$/gm)].map(([, path]) => path);
    if (urls.length > 0) meaning.set(`${name}: urls`, urls.join(" "));
  }
}

/** What keepalived prints for a setting that the kind of check does not have. */
const unset = new Set(["4294967295", "18446744073709551615"]);

function put(meaning: Map<string, string>, subject: string, text: string, fields: readonly Field[]): void {
  for (const [name, pattern] of fields) {
    const value = pattern.exec(text)?.[1];
    if (value !== undefined && !unset.has(value)) meaning.set(`${subject}: ${name}`, value);
  }
}
