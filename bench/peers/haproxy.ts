import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { crashTree, descendants } from "../../test/harness/process-tree.js";
import { type Farm, serverAddress } from "../measure/farm.js";
import { processorTime, residentMiB } from "../measure/processor-time.js";
import type { Checker, RunningChecker, StartOptions } from "./peer.js";

let runs = 0;

/** One process with one thread that does nothing but health checks: its one frontend, which it does not start without, leads nowhere. */
async function start({ host, dir, farms: [farm] }: StartOptions): Promise<RunningChecker> {
  if (farm === undefined) throw new Error("no farm");
  const base = path.join(dir, `haproxy-${runs++}`);
  await writeFile(`${base}.cfg`, haproxyText(farm));
  const shell = 'ulimit -n "$(ulimit -Hn)"; exec "$@"';
  const argv = ["sh", "-c", `${shell} > ${base}.log 2>&1`, "sh", "haproxy", "-db", "-f", `${base}.cfg`];
  const startedNs = Number(process.hrtime.bigint());
  const child = await host.spawn(argv);
  const pid = child.pid ?? 0;
  const all = (): readonly number[] => [pid, ...descendants(pid)];
  return {
    startedNs,
    settled: () => Promise.resolve(),
    time: () => processorTime(all()),
    memory: () => {
      const size = all().reduce((sum, one) => sum + residentMiB(one), 0);
      return { main: size, all: size };
    },
    table: () => undefined,
    log: () => readFile(`${base}.log`, "utf8").catch(() => ""),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      crashTree(pid);
      await exit;
    },
  };
}

export const haproxy: Checker = { name: "haproxy", start };

/** As its documentation has it for active health checks; a TLS session is never resumed, as keepalived's never is. */
export function haproxyText({ servers, check, port, delayLoopSeconds, timeoutSeconds, from = 0 }: Farm): string {
  const http = ["option httpchk GET /", "http-check expect status 200"];
  const tls = check === "https" ? " check-ssl verify none no-ssl-reuse" : "";
  const inter = `inter ${Math.round(delayLoopSeconds * 1000)}`;
  const lines = Array.from(
    { length: servers },
    (_, i) => `  server s${i} ${serverAddress(from + i)}:${port} check ${inter} fall 1 rise 1${tls}`,
  );
  return `global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect ${timeoutSeconds}s
  timeout client 10s
  timeout server 10s
  timeout check ${timeoutSeconds}s
frontend nobody
  bind 127.0.0.1:9
backend farm
${check === "tcp" ? "" : http.map((line) => `  ${line}\n`).join("")}${lines.join("\n")}
`;
}
