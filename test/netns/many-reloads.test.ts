import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Daemon, holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/**
 * A reload leaves nothing behind: no descriptor, no memory. `HOLDFAST_RELOADS=10000 node dist/test/netns/many-reloads.test.js` takes as
 * many as one likes; a few show a leak of a kilobyte or more each.
 */
const RELOADS = Number(process.env["HOLDFAST_RELOADS"] ?? 100);
/** Until caches and compiled code are as large as they become. */
const WARM = Math.min(500, Math.floor(RELOADS / 3));
/** What the collector leaves lying about from one look to the next. */
const NOISE_KIB = 6 * 1024;

/** Every reload changes weights, and every third one servers, an instance and a script. */
function configOf(n: number): string {
  const reals = Array.from(
    { length: 20 - (n % 3) },
    (_, i) => `  real_server 127.0.0.${i + 1} 80 {\n    weight ${1 + ((n + i) % 9)}\n    TCP_CHECK {\n    }\n  }\n`,
  );
  const more = n % 3 === 0 ? "" : vrrp("V2", 52, 101);
  const script = `vrrp_script ok {\n  script "/bin/true"\n  interval ${1 + (n % 2)}\n}\n`;
  return `global_defs {
  script_user root
  enable_script_security
}
${script}${vrrp("V1", 51, 100)}${more}virtual_server 192.0.2.100 80 {
  delay_loop 60
  lb_algo rr
  lb_kind NAT
  protocol TCP
${reals.join("")}}
`;
}

const vrrp = (name: string, id: number, last: number): string => `vrrp_instance ${name} {
  state BACKUP
  interface eth0
  virtual_router_id ${id}
  priority 100
  advert_int 1
  track_script {
    ok
  }
  virtual_ipaddress {
    192.0.2.${last}/24
  }
}
`;

test(`${RELOADS} reloads leave no descriptor open and no memory behind`, {
  skip: needs("root", "netns", "native"),
  timeout: 60_000 + RELOADS * 2000,
}, async (t) => {
  await using lan = await Lan.create(plainHosts("a"));
  const daemon = await lan.host("a").start(holdfast("memory"), configOf(0));
  await until("it has started", 20_000, async () => (await daemon.log()).includes("Startup complete"));
  let warm = await settled(daemon);
  for (let n = 1; n <= RELOADS; n++) {
    await reload(daemon, n);
    if (n === WARM) warm = await settled(daemon);
  }
  await reload(daemon, WARM); // the configuration that `warm` was seen with
  const end = await settled(daemon);
  const slope = ((end.kib - warm.kib) / (RELOADS - WARM)) * 1024;
  t.diagnostic(
    `${warm.fds} descriptors and ${warm.kib} KiB after ${WARM} reloads, ${end.fds} and ${end.kib} KiB at the end: ${slope.toFixed(0)} octets each`,
  );
  assert.equal(end.fds, warm.fds);
  assert.ok(end.kib - warm.kib < NOISE_KIB, `${end.kib - warm.kib} KiB more`);
});

async function reload(daemon: Daemon, n: number): Promise<void> {
  const from = statSync(daemon.files.log).size;
  await writeFile(daemon.files.config, configOf(n));
  daemon.signal("SIGHUP");
  await until(`reload ${n}`, 20_000, () => since(daemon.files.log, from).includes("Reload complete"), 20);
}

/** What was written to a file that may be large by now. */
function since(file: string, from: number): string {
  const fd = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(statSync(file).size - from);
    return bytes.toString("utf8", 0, readSync(fd, bytes, { position: from }));
  } finally {
    closeSync(fd);
  }
}

interface Look {
  readonly fds: number;
  readonly kib: number;
}

/** The least of some looks: in between there are scripts, checks, and what nobody has collected. */
async function settled(daemon: Daemon): Promise<Look> {
  const pid = daemon.nodePid ?? assert.fail("no daemon");
  const looks: Look[] = [];
  for (let i = 0; i < 20; i++) {
    await sleep(250);
    const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
    looks.push({ fds: readdirSync(`/proc/${pid}/fd`).length, kib });
  }
  return { fds: Math.min(...looks.map(({ fds }) => fds)), kib: Math.min(...looks.map(({ kib }) => kib)) };
}
