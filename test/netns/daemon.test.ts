import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { controlSocketPath } from "../../main/control/options.js";
import type { StatusDocument } from "../../main/control/status.js";
import { askStatus } from "../../main/control/status-client.js";
import { type Daemon, holdfast, type Program } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { projectRoot } from "../harness/project.js";
import { until } from "../harness/until.js";

/** The daemon as its users meet it: command line, signals, files, and what it says about bad input. */

const options = { skip: needs("root", "netns", "native"), timeout: 180_000 };
const binary = path.join(projectRoot, "bin/holdfast");
const vip = "192.0.2.100";

const instance = (body = ""): string => `
vrrp_instance VI_1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority 150
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass secret99
  }
  virtual_ipaddress { ${vip}/24 }
${body}
}
`;

const service = (body = "", port = 80): string => `
virtual_server ${vip} ${port} {
  delay_loop 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 127.0.0.1 9 {
    TCP_CHECK { connect_timeout 1 }
  }
${body}
}
`;

/** One host, and a directory that dump files go to. */
class Bench implements AsyncDisposable {
  readonly host: Host;
  readonly dir: string;
  readonly #lan: Lan;

  private constructor(lan: Lan) {
    this.#lan = lan;
    this.host = lan.host("a");
    this.dir = lan.dir;
  }

  static async create(): Promise<Bench> {
    return new Bench(await Lan.create(plainHosts("a")));
  }

  start(config: string, extra: readonly string[] = [], ipvs: "kernel" | "memory" = "memory"): Promise<Daemon> {
    const { name, argv } = holdfast(ipvs);
    const program: Program = { name, argv: ["env", `TMPDIR=${this.dir}`, ...argv, "--no-syslog"] };
    return this.host.start(program, config, extra);
  }

  run(...args: readonly string[]): ReturnType<Host["attempt"]> {
    return this.host.attempt([binary, ...args]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lan[Symbol.asyncDispose]();
  }
}

const says = (daemon: Daemon, text: string | RegExp, within = 20_000): Promise<unknown> =>
  until(
    `the log says ${String(text)}`,
    within,
    async () => {
      const log = await daemon.log();
      return typeof text === "string" ? log.includes(text) : text.test(log);
    },
    20,
  );

const started = (daemon: Daemon): Promise<unknown> => says(daemon, "Startup complete");

const status = (daemon: Daemon): Promise<StatusDocument> => askStatus(daemon.files.controlSocket);

test("it starts, floats the address, answers, and leaves nothing behind", options, async () => {
  await using bench = await Bench.create();
  const daemon = await bench.start(instance() + service());
  await started(daemon);
  await until("it is master", 20_000, () => bench.host.hasAddress(vip));
  // Its own notion of the address is a step behind that of the kernel.
  const isSet = async (): Promise<boolean> => (await status(daemon)).instances[0]?.vips[0]?.endsWith(" set") === true;
  await until("it knows so", 10_000, isSet);
  const { instances, virtualServers, ipvs } = await status(daemon);
  assert.equal(instances[0]?.state, "MASTER");
  assert.deepEqual(instances[0].vips, [`${vip}/24 dev eth0 scope global set`]);
  assert.equal(virtualServers[0]?.vs, `[${vip}]:tcp:80`);
  assert.equal(ipvs.backend, "memory");
  const base = daemon.files.config.replace(/\.conf$/, "");
  for (const kind of ["", ".vrrp", ".checkers"])
    assert.equal(await readFile(`${base}${kind}.pid`, "utf8"), `${daemon.pid}\n`);

  for (const file of [`${base}.pid`, daemon.files.controlSocket]) await rm(file); // as programs do that clean up
  await until("it answers again", 20_000, async () => (await status(daemon).catch(() => undefined)) !== undefined);
  const written = (): Promise<string> => readFile(`${base}.pid`, "utf8").catch(() => "");
  await until("its pid file is there again", 20_000, async () => (await written()) === `${daemon.pid}\n`);

  await daemon.stop();
  assert.equal(await bench.host.hasAddress(vip), false);
  for (const file of [`${base}.pid`, `${base}.vrrp.pid`, `${base}.checkers.pid`, daemon.files.controlSocket])
    assert.equal(existsSync(file), false, file);
  const log = await daemon.log();
  for (const sentence of ["Stopping", "(VI_1) sent 0 priority", "Stopped Keepalived v2.4.3"])
    assert.ok(log.includes(sentence), sentence);
  assert.ok(!log.includes("secret99"), "the password is in the log");
});

test(
  "in the background: the command ends when the daemon serves, SIGTERM to the pid file's process ends it",
  options,
  async () => {
    await using bench = await Bench.create();
    const config = path.join(bench.dir, "b.conf");
    const pidFile = path.join(bench.dir, "b.pid");
    await writeFile(config, instance());
    const { code, stderr } = await bench.run(
      "-f",
      config,
      "-p",
      pidFile,
      "-r",
      `${pidFile}.vrrp`,
      "-c",
      `${pidFile}.c`,
      "-G",
    );
    assert.equal(code, 0, stderr);
    const pid = Number(await readFile(pidFile, "utf8"));
    const document = await askStatus(controlSocketPath({ pidFile, controlSocket: undefined }));
    assert.equal(document.instances[0]?.name, "VI_1");
    const again = await bench.run("-f", config, "-p", pidFile, "-n", "-l", "-G");
    assert.deepEqual([again.code, again.stderr.includes("daemon is already running")], [0, true], again.stderr);
    process.kill(pid, "SIGTERM");
    await until("it has left", 20_000, () => !existsSync(pidFile));
  },
);

test("-d logs the configuration at the start, -a addresses that come or go", options, async () => {
  await using bench = await Bench.create();
  const daemon = await bench.start(instance() + service(), ["-d", "-a"]);
  for (const line of ["------< Global definitions >------", " VRRP Instance = VI_1", `VIP = ${vip}, VPORT = 80`])
    await says(daemon, line);
  await says(daemon, "Netlink reflector reports IP 192.0.2.1 added on eth0");
  await bench.host.exec(["ip", "addr", "add", "198.51.100.7/32", "dev", "eth0"]);
  await says(daemon, "Netlink reflector reports IP 198.51.100.7 added on eth0");
  await bench.host.exec(["ip", "addr", "del", "198.51.100.7/32", "dev", "eth0"]);
  await says(daemon, "Netlink reflector reports IP 198.51.100.7 removed on eth0");
  await daemon.stop();
  assert.ok(!(await daemon.log()).includes("no effect yet"));
});

for (const { name, args, vrrp, checker } of [
  { name: "-P runs VRRP only", args: ["-P"], vrrp: 1, checker: 0 },
  { name: "-C runs checks only", args: ["-C"], vrrp: 0, checker: 1 },
]) {
  test(name, options, async () => {
    await using bench = await Bench.create();
    const daemon = await bench.start(instance() + service(), args);
    await started(daemon);
    const { instances, virtualServers } = await status(daemon);
    assert.deepEqual([instances.length, virtualServers.length], [vrrp, checker]);
  });
}

test("--dont-release-vrrp leaves the address and says no good-bye", options, async () => {
  await using bench = await Bench.create();
  const daemon = await bench.start(instance(), ["--dont-release-vrrp"]);
  await until("it is master", 20_000, () => bench.host.hasAddress(vip));
  await daemon.stop();
  assert.equal(await bench.host.hasAddress(vip), true);
  assert.ok(!(await daemon.log()).includes("sent 0 priority"));
});

test("SIGHUP takes a new configuration without a flap, and refuses a broken one in full", options, async () => {
  await using bench = await Bench.create();
  const daemon = await bench.start(instance() + service());
  await until("it is master", 20_000, () => bench.host.hasAddress(vip));

  const broken = `${instance().replace("192.0.2.100/24", "192.0.2.101/24")}\nvirtual_servr 192.0.2.1 80 {\n}\n`;
  await writeFile(daemon.files.config, broken);
  daemon.signal("SIGHUP");
  await says(daemon, /Unknown keyword 'virtual_servr'.*virtual_server/);
  await says(daemon, /New config failed validation .* the running configuration stays/);
  assert.deepEqual([await bench.host.hasAddress(vip), await bench.host.hasAddress("192.0.2.101")], [true, false]);

  await writeFile(
    daemon.files.config,
    instance().replace("{ 192.0.2.100/24 }", "{\n192.0.2.100/24\n192.0.2.102/24\n}"),
  );
  daemon.signal("SIGHUP");
  await says(daemon, "Reload complete");
  await until("the new address is there", 20_000, () => bench.host.hasAddress("192.0.2.102"));
  assert.equal(await bench.host.hasAddress(vip), true);
  const transitions = (await daemon.log()).match(/Entering (MASTER|BACKUP|FAULT) STATE/g);
  assert.deepEqual(transitions, ["Entering BACKUP STATE", "Entering MASTER STATE"], "a reload is no transition");
});

test("a reload that cannot be carried out in full leaves what is served", {
  ...options,
  skip: options.skip || (existsSync("/proc/net/ip_vs") ? "this kernel has IPVS" : false),
}, async () => {
  await using bench = await Bench.create();
  const daemon = await bench.start(instance(), [], "kernel");
  await until("it is master", 20_000, () => bench.host.hasAddress(vip));
  await writeFile(daemon.files.config, instance() + service());
  daemon.signal("SIGHUP");
  await says(daemon, /Reload incomplete: the kernel has no IPVS/);
  assert.deepEqual([daemon.running, await bench.host.hasAddress(vip)], [true, true]);
  await daemon.stop();
});

test("a reload that VRRP refuses is carried out for the virtual servers all the same", options, async () => {
  await using bench = await Bench.create();
  const { name, argv } = holdfast("memory");
  const without = ["setpriv", "--bounding-set", "-net_raw,-net_admin", "--inh-caps", "-net_raw,-net_admin"];
  const daemon = await bench.host.start({ name, argv: [...without, ...argv] }, service(), ["--no-syslog"]);
  await started(daemon);
  await writeFile(daemon.files.config, instance() + service() + service("", 81));
  daemon.signal("SIGHUP");
  await says(daemon, /Reload incomplete: VRRP needs CAP_NET_RAW/);
  const both = ["[192.0.2.100]:tcp:80", "[192.0.2.100]:tcp:81"];
  await until("the new virtual server is there", 20_000, async () => {
    const { virtualServers } = await status(daemon);
    return virtualServers.map(({ vs }) => vs).join() === both.join();
  });
  await daemon.stop();
});

test("SIGTERM while a crashed daemon waits for its restart takes the address away", options, async () => {
  await using bench = await Bench.create();
  const daemon = await bench.start(instance());
  await until("it is master", 20_000, () => bench.host.hasAddress(vip));
  // Who is to go on as MASTER has two seconds: not with the start of Node in them.
  await until("the spare waits", 60_000, () => daemon.spareRests());
  let pid = 0;
  for (const sentence of ["died: Respawning", "Restart of Daemon process delayed 1 seconds"]) {
    const before = pid;
    await until("a daemon serves", 20_000, async () => {
      pid = (await status(daemon).catch(() => undefined))?.pid ?? before;
      return pid !== before;
    });
    process.kill(pid, "SIGSEGV");
    await says(daemon, sentence);
  }
  assert.equal(await bench.host.hasAddress(vip), true);
  await daemon.stop();
  assert.equal(await bench.host.hasAddress(vip), false);
});

test("signals write the dump files that exporters read", options, async () => {
  await using bench = await Bench.create();
  const daemon = await bench.start(instance() + service());
  await until("it is master", 20_000, () => bench.host.hasAddress(vip));
  const json = (await bench.run("--signum=JSON")).stdout.trim();
  await bench.host.exec(["kill", `-${json}`, String(daemon.pid)]);
  daemon.signal("SIGUSR1");
  daemon.signal("SIGUSR2");
  for (const [file, content] of [
    ["keepalived.json", /"iname":"VI_1".*"state":2.*"advert_sent":[1-9]/],
    ["keepalived.data", /VRRP Instance = VI_1[\s\S]*State = MASTER/],
    ["keepalived_check.data", /VS VIP = 192\.0\.2\.100, VPORT = 80/],
    ["keepalived.stats", /VRRP Instance: VI_1[\s\S]*Became master: 1/],
  ] as const) {
    const where = path.join(bench.dir, file);
    await until(`${file} is written`, 20_000, () => existsSync(where));
    assert.match(await readFile(where, "utf8"), content);
  }
});

for (const { args, code, output } of [
  { args: ["-v"], code: 0, output: /^holdfast v\d/ },
  { args: ["-h"], code: 0, output: /--use-file/ },
  { args: ["--signum=STATS_CLEAR"], code: 0, output: /^63$/m },
  { args: ["--signum=NONSENSE"], code: 1, output: /Unknown sigfunc NONSENSE/ },
  { args: ["-Z"], code: 1, output: /Unknown option -Z/ },
  { args: ["-f"], code: 1, output: /Missing parameter for option -f/ },
  {
    args: ["-n", "-l", "-G", "-f", "/nonexistent/keepalived.conf"],
    code: 6,
    output: /\/nonexistent\/keepalived\.conf/,
  },
  { args: ["-t", "-f", "/nonexistent/keepalived.conf"], code: 4, output: /\/nonexistent\/keepalived\.conf/ },
  { args: ["status", "--control-socket", "/nonexistent/x.sock"], code: 1, output: /No daemon/ },
]) {
  test(`holdfast ${args.join(" ")}: exit ${code}`, options, async () => {
    await using bench = await Bench.create();
    const result = await bench.run(...args);
    assert.match(result.stdout + result.stderr, output);
    assert.equal(result.code, code);
  });
}

test("under the name keepalived the version line is the one that tools parse", options, async () => {
  await using bench = await Bench.create();
  const link = path.join(bench.dir, "keepalived");
  await bench.host.exec(["ln", "-s", binary, link]);
  const { stderr } = await bench.host.attempt([link, "-v"]);
  assert.match(stderr, /^Keepalived v2\.4\.3 /);
});

/** Each kind of bad input: one clear sentence, and what was good goes on serving. */
interface BadInput {
  readonly kind: string;
  readonly config: string;
  readonly ipvs?: "kernel" | "memory";
  readonly args?: readonly string[];
  readonly says: RegExp;
  /** The instance reaches this state all the same. */
  readonly state: "MASTER" | "FAULT";
}

const badInputs: readonly BadInput[] = [
  {
    kind: "unknown keyword",
    config: instance("  prioritty 200"),
    says: /\.conf: Line 13\) Unknown keyword 'prioritty' - did you mean 'priority'/,
    state: "MASTER",
  },
  {
    kind: "wrong value",
    config: `${instance()}global_defs {\n  vrrp_garp_interval soon\n}\n`,
    says: /\.conf: Line 16\) vrrp_garp_interval 'soon' is not between/,
    state: "MASTER",
  },
  {
    kind: "missing interface",
    config: instance().replace("interface eth0", "interface eth7"),
    says: /interface eth7 for vrrp_instance VI_1 doesn't exist/,
    state: "FAULT",
  },
  {
    kind: "IPVS missing",
    config: instance() + service(),
    args: ["--ipvs", "auto"],
    says: /no IPVS.*modprobe/,
    state: "MASTER",
  },
  {
    kind: "script that hangs",
    config: `vrrp_script hang {\n  script "/bin/sleep 60"\n  interval 1\n  timeout 1\n  weight -10\n}\n${instance("  track_script { hang }")}`,
    says: /VRRP_Script\(hang\) timed_out/,
    state: "MASTER",
  },
];

for (const { kind, config, args = [], says: sentence, state } of badInputs) {
  const missing = kind === "IPVS missing" && existsSync("/proc/net/ip_vs") ? "this kernel has IPVS" : options.skip;
  test(`bad input: ${kind}`, { ...options, skip: missing }, async () => {
    await using bench = await Bench.create();
    const daemon = await bench.start(config, args);
    await says(daemon, sentence);
    await started(daemon);
    await until(`the instance is ${state}`, 20_000, async () => (await status(daemon)).instances[0]?.state === state);
    assert.ok(daemon.running);
    const lines = (await daemon.log()).split("\n").filter((line) => sentence.test(line));
    assert.equal(lines.length, 1, "said once, in one line");
  });
}

test(
  "bad input: script that others may write is named with what to do, and not run as root's choice",
  options,
  async () => {
    await using bench = await Bench.create();
    const script = path.join(bench.dir, "check.sh");
    await writeFile(script, "#!/bin/sh\nexit 0\n");
    await chmod(script, 0o777);
    const daemon = await bench.start(
      `global_defs {\n  enable_script_security\n  script_user root\n}\nvrrp_script open {\n  script "${script}"\n  interval 1\n}\n${instance("  track_script { open }")}`,
    );
    await says(daemon, /check\.sh.*(writ|chmod)/);
    await until("the instance serves without it", 20_000, () => bench.host.hasAddress(vip));
  },
);

test("bad input: no privilege ends the daemon with exit 4 and says which is missing", options, async () => {
  await using bench = await Bench.create();
  const dir = await mkdtemp("/var/tmp/holdfast-nobody-");
  try {
    await chmod(dir, 0o777);
    const config = path.join(dir, "n.conf");
    await writeFile(config, instance());
    const { code, stderr } = await bench.host.attempt([
      ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary],
      ...["-n", "-l", "-G", "-f", config, "-p", path.join(dir, "n.pid"), "--control-socket", path.join(dir, "n.sock")],
    ]);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /CAP_NET_RAW|CAP_NET_ADMIN|root/);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("bad input: a real server that sends garbage, one that never answers", options, async () => {
  await using bench = await Bench.create();
  const garbage = `require("net").createServer((s) => { s.on("error", () => 0); s.end(Buffer.from("\\x00\\xff not http at all\\r\\n\\r\\n", "latin1")); }).listen(8081, "127.0.0.1")`;
  const silent = `require("net").createServer((s) => s.on("error", () => 0)).listen(8082, "127.0.0.1")`;
  for (const code of [garbage, silent]) await bench.host.spawn([process.execPath, "-e", code]);
  const check = (port: number): string =>
    `real_server 127.0.0.1 ${port} {\n    HTTP_GET {\n      url {\n        path /\n        status_code 200\n      }\n      connect_timeout 1\n      retry 0\n    }\n  }`;
  const daemon = await bench.start(instance() + service(check(8081)) + service(check(8082), 81));
  await says(daemon, /Removing service \[127\.0\.0\.1\]:tcp:8081 from VS/);
  await says(daemon, /Removing service \[127\.0\.0\.1\]:tcp:8082 from VS/);
  assert.ok(daemon.running);
});

test("bad input: broken adverts from the wire change nothing, and each kind is said once", options, async () => {
  await using lan = await Lan.create(plainHosts("a", "b"));
  const [host, peer] = [lan.host("a"), lan.host("b")];
  const daemon = await host.start(holdfast("memory"), instance(), ["--no-syslog"]);
  await until("it is master", 20_000, () => host.hasAddress(vip));
  // VRRPv2, VRID 51, priority 255: whoever believes it gives up the address. First: wrong password. Second: wrong checksum.
  // Third: cut short. Fourth: TTL 1. Each twenty times.
  const attack = `
import socket, struct
def checksum(b):
    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    s = (s >> 16) + (s & 0xffff)
    return ~(s + (s >> 16)) & 0xffff
def advert(password, broken=0):
    body = bytes([0x21, 51, 255, 1, 1, 1, 0, 0]) + socket.inet_aton("${vip}") + password
    return body[:6] + struct.pack("!H", checksum(body) ^ broken) + body[8:]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
def send(packet, ttl):
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
    for _ in range(20): s.sendto(packet, ("224.0.0.18", 0))
good = b"secret99"
send(advert(b"wrong\\0\\0\\0"), 255)
send(advert(good, 1), 255)
send(advert(good)[:11], 255)
send(advert(good), 1)
`;
  await peer.exec(["python3", "-c", attack]);
  for (const sentence of [/received an invalid passwd/, /Invalid VRRPv2 checksum/, /too short/, /invalid TTL/]) {
    await says(daemon, sentence);
    const lines = (await daemon.log()).split("\n").filter((line) => sentence.test(line));
    assert.equal(lines.length, 1, `${String(sentence)}: ${lines.join(" | ")}`);
  }
  assert.equal((await status(daemon)).instances[0]?.state, "MASTER");
  assert.ok(await host.hasAddress(vip));
});

test("a crash after a refused reload: what was in force stays in force", options, async () => {
  await using bench = await Bench.create();
  const daemon = await bench.start(instance() + service());
  await until("it is master", 20_000, () => bench.host.hasAddress(vip));
  const copy = daemon.files.config.replace(/\.conf$/, ".pid.config");
  await until("a copy is kept", 20_000, () => existsSync(copy));
  assert.equal((await stat(copy)).mode & 0o777, 0o600, "it holds the password");
  await writeFile(daemon.files.config, instance().replace("interface eth0", "interfase eth0"));
  daemon.signal("SIGHUP");
  await says(daemon, /New config failed validation/);
  await until("the spare waits", 20_000, () => daemon.sparePid !== undefined);
  daemon.signalNode("SIGSEGV");
  await says(daemon, /has errors: going on with the configuration that was in force/);
  await until("the next one answers", 20_000, () =>
    status(daemon).then(
      ({ instances }) => instances[0]?.state === "MASTER",
      () => false,
    ),
  );
  assert.ok(await bench.host.hasAddress(vip));
  await daemon.stop();
  assert.deepEqual([await bench.host.hasAddress(vip), existsSync(copy)], [false, false]);
});

const second = `
vrrp_instance VI_2 {
  state BACKUP
  interface eth0
  use_vmac
  virtual_router_id 52
  priority 150
  advert_int 1
  virtual_ipaddress { 192.0.2.110/24 }
}
`;

/** A reload as far as its config thread takes it: the copy is that of the new file, and the daemon has not heard of it yet. */
async function halfReload({ host, dir }: Bench, file: string, keepAt: string): Promise<void> {
  const order = JSON.stringify({ kind: "load", purpose: "reload", file, keepAt });
  const module = path.join(projectRoot, "dist/main/control/reload.js");
  const script = path.join(dir, "half-reload.mjs");
  const code = `const { readConfigAside } = await import(${JSON.stringify(module)});
    const { kind, findings } = await readConfigAside(${order}, undefined);
    if (kind !== "good") throw new Error(kind + " " + findings);`;
  await writeFile(script, code);
  await host.exec([process.execPath, script]);
}

for (const [what, next, last] of [
  ["one of two virtual routers", instance(), instance()],
  ["all virtual routers", "global_defs {\n}\n", "global_defs {\n}\n"],
  ["one of two, and then the file is broken", instance(), instance().replace("interface eth0", "interfase eth0")],
] as const) {
  test(`a crash in the middle of a reload that removes ${what}: nothing of that stays`, options, async () => {
    await using bench = await Bench.create();
    const { host } = bench;
    const daemon = await bench.start(instance() + second);
    const isThere = async (address: string): Promise<boolean> =>
      (await host.exec(["ip", "-o", "address", "show", "to", address])) !== "";
    await until("it is master of both", 20_000, async () => (await isThere(vip)) && isThere("192.0.2.110"));
    const { config } = daemon.files;
    const copy = config.replace(/\.conf$/, ".pid.config");
    await until("a copy is kept", 5000, () => existsSync(copy));
    await until("the spare waits", 10_000, () => daemon.sparePid !== undefined);
    await writeFile(config, next);
    await halfReload(bench, config, copy);
    await writeFile(config, last);
    daemon.signalNode("SIGSEGV");
    await until("the address of the second one is gone", 15_000, async () => !(await isThere("192.0.2.110")));
    await until("and its link", 5000, async () => !(await host.exec(["ip", "link", "show"])).includes("vrrp.52"));
    const stays = next.includes("VI_1");
    await until("the first one is as the file has it", 15_000, async () => (await isThere(vip)) === stays);
    await until("nothing more is to be removed", 5000, () => !existsSync(`${copy}.before`));
    assert.ok(existsSync(copy));
    await daemon.stop();
    assert.equal(await isThere(vip), false);
    assert.deepEqual([existsSync(copy), existsSync(`${copy}.before`)], [false, false]);
  });
}
