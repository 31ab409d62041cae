import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Starts keepalived for a moment, in namespaces of its own, and takes what it dumps: what it has understood of a file. */

export interface DumpJob {
  readonly config: string;
  readonly configId: string;
  /** Made by the run; gets keepalived's dump files and its output, `log`. */
  readonly folder: string;
}

/**
 * A shell script with FILE, ID and FOLDER as arguments, for the VRRP process. Its PID namespace ends with it, and all that
 * keepalived started with that. The two interfaces have addresses, so that no instance is in FAULT for want of one; what
 * keepalived writes below /run and /var/tmp is gone with the mount namespace. The JSON is written last and ends with `}}]`.
 */
const vrrpScript = `
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/tmp
ip link set lo up
ip link add ens33 type veth peer name eth1
ip address add 192.168.40.2/24 dev ens33
ip address add 192.168.41.2/24 dev eth1
ip link set ens33 up
ip link set eth1 up
TMPDIR=$3 keepalived -n -P -D -l -i "$2" -f "$1" -p /run/parent.pid -r /run/child.pid >"$3/log" 2>&1 &
for i in $(seq 1000); do grep -q 'Startup complete' "$3/log" && break; sleep 0.02; done
kill -USR1 $(cat /run/child.pid)
kill -$(keepalived --signum=JSON) $(cat /run/child.pid)
for i in $(seq 1000); do grep -q '}}]' "$3/keepalived.json" && break; sleep 0.02; done
`;

/** For the checker process, which needs IPVS: in a guest with nothing else, one after the other, with few forks: they are slow. */
export function checkerDumpScript(jobs: readonly DumpJob[]): string {
  const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
  const calls = jobs.map(({ config, configId, folder }) => `take ${[config, configId, folder].map(quote).join(" ")}`);
  return `take() {
  mkdir "$3"
  TMPDIR=$3 keepalived -n -C -D -l -i "$2" -f "$1" -p /tmp/parent.pid -c /tmp/child.pid >"$3/log" 2>&1 &
  for i in $(seq 200); do
    sleep 0.1
    case "$(cat "$3/log")" in *'Startup complete'*) break ;; esac
  done
  read child </tmp/child.pid
  kill -USR1 $child
  kill -KILL $!
  kill -TERM $child
  for i in $(seq 400); do [ -e /proc/$child ] || break; sleep 0.05; done
  rm -f /tmp/*.pid
}
${calls.join("\n")}
true
`;
}

const namespaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"];

/** Takes keepalived.data and keepalived.json of each job, `parallel` jobs at a time; root only. What a job left is in its folder. */
export async function takeVrrpDumps(jobs: readonly DumpJob[], parallel = 4): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
      mkdirSync(job.folder, { recursive: true });
      await end([...namespaces, "sh", "-c", vrrpScript, "sh", job.config, job.configId, job.folder]);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

function end([file = "", ...args]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    spawn(file, args, { stdio: "ignore", timeout: 60_000, killSignal: "SIGKILL" })
      .on("error", reject)
      .on("exit", () => resolve());
  });
}

/** A dump file, or what keepalived said instead. @throws Error with the end of its log when there is none */
export function readDump(folder: string, name: string): string {
  try {
    return readFileSync(path.join(folder, name), "utf8");
  } catch (cause) {
    throw new Error(`keepalived wrote no ${name}: ${logOf(folder)}`, { cause });
  }
}

function logOf(folder: string): string {
  try {
    return readFileSync(path.join(folder, "log"), "utf8").slice(-2000);
  } catch {
    return "and no log";
  }
}
